import { z } from 'zod';

export const TOOLS = 2_000;
export const PAGE = 20;

/** What a client may say of a tool. */
export const ToolFields = z.strictObject({
  name: z.string().min(1).max(200),
  description: z.string().max(1_000),
  server: z.string(),
  timeoutMs: z.int().min(1).max(60_000),
  tags: z.array(z.string().max(50)).max(20),
  limits: z.strictObject({ perMinute: z.int().min(0), inputBytes: z.int().min(1) }),
});

/** A call of a tool. */
export const Invocation = z.strictObject({ input: z.record(z.string(), z.unknown()) });

export interface Tool extends z.output<typeof ToolFields> {
  readonly id: string;
  readonly version: number;
}

/** Where the service keeps its tools. */
export interface ToolStore {
  page(number: number): readonly Tool[] | Promise<readonly Tool[]>;
  find(id: string): Tool | undefined | Promise<Tool | undefined>;
  replace(tool: Tool, fields: z.output<typeof ToolFields>): Tool | Promise<Tool>;
  close(): Promise<void>;
}

export class ToolsInMemory implements ToolStore {
  readonly #tools = Array.from({ length: TOOLS }, (_, n): Tool => firstTool(n));
  readonly #byId = new Map(this.#tools.map((tool, n) => [tool.id, n]));

  page(number: number): readonly Tool[] {
    const from = (number * PAGE) % TOOLS;
    return this.#tools.slice(from, from + PAGE);
  }

  find(id: string): Tool | undefined {
    return this.#tools[this.#byId.get(id) ?? -1];
  }

  replace(tool: Tool, fields: z.output<typeof ToolFields>): Tool {
    const { id, version } = tool;
    // Fields after a spread would give each tool a hidden class of its own (V8 11.3).
    const next = { id, version: version + 1, ...fields };
    this.#tools[this.#byId.get(id) ?? -1] = next;
    return next;
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

export const firstTool = (n: number): Tool => ({
  id: `tool_${n}`,
  version: 1,
  name: `search-${n}`,
  description: 'Looks up what the caller may see, and answers it page by page.',
  server: `srv_${n % 40}`,
  timeoutMs: 5_000,
  tags: ['search', 'internal'],
  limits: { perMinute: 600, inputBytes: 65_536 },
});
