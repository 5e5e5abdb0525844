/** The thread in which an operator's transform runs: it can be stopped there, whatever it does. */
import { parentPort, workerData } from 'node:worker_threads';
import type { FromThread, ToThread, TransformResult } from './transform-protocol.ts';

const port = parentPort;
if (port === null) throw new Error('This file is run as a thread.');
const answer = (message: FromThread): void => port.postMessage(message);
const wordsOf = (error: unknown): string =>
  (error instanceof Error ? `${error.name}: ${error.message}` : String(error)).slice(0, 300);

type Transform = (event: unknown, context: ToThread) => unknown;

async function load(): Promise<Transform | undefined> {
  try {
    const exported = (await import(String(workerData))) as Readonly<Record<string, unknown>>;
    const transform = exported['default'] ?? exported['transform'];
    if (typeof transform === 'function') return transform as Transform;
    answer({ kind: 'unusable', error: 'exports no function as default or as transform' });
  } catch (error) {
    answer({ kind: 'unusable', error: `cannot be loaded: ${wordsOf(error)}` });
  }
  return undefined;
}

function eventOf(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

function resultOf(returned: unknown): TransformResult {
  if (returned === undefined || returned === null) return { kind: 'left' };
  if (typeof returned === 'string') return { kind: 'message', bytes: Buffer.from(returned) };
  if (returned instanceof Uint8Array) return { kind: 'message', bytes: returned };
  const isObject = typeof returned === 'object' && !Array.isArray(returned);
  const text = isObject ? (JSON.stringify(returned) as string | undefined) : undefined;
  if (text === undefined) {
    return {
      kind: 'failed',
      error: `answered ${Array.isArray(returned) ? 'a list' : `a ${typeof returned}`}, not an event, a text or bytes`,
    };
  }
  return { kind: 'message', bytes: Buffer.from(text) };
}

const transform = await load();
if (transform !== undefined) {
  port.on('message', (context: ToThread) => {
    void (async () => {
      try {
        answer(resultOf(await transform(eventOf(context.text), context)));
      } catch (error) {
        answer({ kind: 'failed', error: `threw ${wordsOf(error)}` });
      }
    })();
  });
  answer({ kind: 'loaded' });
}
