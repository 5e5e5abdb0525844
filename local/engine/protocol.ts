/** What the engine's process is told, once, over its IPC channel: not in its arguments, where every user of the machine could read the password. */
export interface EngineConfig {
  readonly dataDir: string;
  readonly port: number;
  readonly password: string;
  /** ClickHouse's own configuration, e.g. of a cluster. */
  readonly configFile?: string | undefined;
}

/** What it answers, once. */
export type EngineReport =
  | { readonly kind: 'ready' }
  | {
      readonly kind: 'failed';
      readonly reason: 'missing' | 'port' | 'folder' | 'other';
      readonly text: string;
    };
