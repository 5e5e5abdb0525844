import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { EngineConfig, EngineReport } from './engine/protocol.ts';

// The engine in a process of its own: engine.ts starts it, and tells it over the IPC channel what
// to open. When the channel closes, the parent is gone, and there is nobody left to serve.

const STOP_TIMEOUT_MS = 10_000;

function report(message: EngineReport): void {
  if (process.connected) process.send?.(message);
}

function fail(code: EngineReport & { kind: 'failed' }): void {
  report(code);
  process.exitCode = 1;
  process.disconnect?.();
}

async function serve(config: EngineConfig): Promise<void> {
  const dataDir = join(config.dataDir, 'data');
  mkdirSync(dataDir, { recursive: true });
  const endpointModule = await import('./engine/endpoint.ts').catch((error: unknown) => {
    fail({ kind: 'failed', reason: 'missing', text: String(error) });
  });
  if (endpointModule === undefined) return;
  try {
    const endpoint = await endpointModule.Endpoint.open({
      dataDir,
      port: config.port,
      password: config.password,
      configFile: config.configFile,
    });
    let stopping: Promise<void> | undefined;
    const stop = (): void => {
      stopping ??= endpoint.close(STOP_TIMEOUT_MS).finally(() => process.exit());
    };
    process.once('SIGTERM', stop);
    process.once('disconnect', stop);
    report({ kind: 'ready' });
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    fail({ kind: 'failed', reason: reasonOf(error), text });
    process.exit(1);
  }
}

function reasonOf(error: unknown): 'port' | 'folder' | 'other' {
  if (!(error instanceof Error)) return 'other';
  if ('code' in error && error.code === 'EADDRINUSE') return 'port';
  return error.message.startsWith('Failed to create connection') ? 'folder' : 'other';
}

process.once('message', (config: EngineConfig) => void serve(config));
