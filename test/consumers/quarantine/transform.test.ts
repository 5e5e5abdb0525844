import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { Transform } from '../../../consumers/quarantine/transform.ts';
import type { TransformContext } from '../../../consumers/quarantine/transform-protocol.ts';

const folder = mkdtempSync(join(tmpdir(), 'ledgerline-transform-'));
let files = 0;

async function load(source: string, onOutput?: (line: string) => void): Promise<Transform> {
  const file = join(folder, `${++files}.mjs`);
  writeFileSync(file, source);
  const options = { messageTimeoutMs: 300, ...(onOutput && { onOutput }) };
  const transform = await Transform.load(file, options);
  onTestFinished(() => transform[Symbol.asyncDispose]());
  return transform;
}

const context = (text = '{"a":1}'): TransformContext => ({
  id: 'audit.events/3@1042',
  reason: 'invalid',
  error: 'a: no column',
  text,
  bytes: Buffer.from(text),
  key: 'acme/app/a',
  headers: { 'll-v': '1' },
  receivedAt: '2026-11-23T00:00:00.000Z',
  eventId: '01936b2a-7e1c-7cc3-98c4-dc0c0c07398f',
});

const textOf = (result: { kind: string; bytes?: Uint8Array }): string =>
  Buffer.from(result.bytes ?? []).toString();

describe('a transform', () => {
  it.each([
    [
      'an event',
      'export default (event, { eventId }) => ({ ...event, id: eventId })',
      `{"a":1,"id":"${context().eventId}"}`,
    ],
    ['a text', 'export const transform = async (_, { text }) => text.toUpperCase()', '{"A":1}'],
    ['bytes', 'export default (_, { bytes }) => bytes.subarray(0, 2)', '{"'],
  ])('may answer %s', async (_, source, expected) => {
    const transform = await load(source);
    expect(textOf(await transform.apply(context()))).toBe(expected);
    expect(transform.hash).toMatch(/^[0-9a-f]{64}$/);
  });

  it('is given no event where the message is no JSON, and may leave a message alone', async () => {
    const transform = await load('export default (event) => (event ? { seen: true } : undefined)');
    expect(await transform.apply(context('{"a":'))).toEqual({ kind: 'left' });
    expect(textOf(await transform.apply(context('{}')))).toBe('{"seen":true}');
  });

  it.each([
    [
      'throws',
      "export default () => { throw new Error('no such field') }",
      /^threw Error: no such/,
    ],
    ['throws what is no error', "export default () => { throw 'x' }", /^threw x/],
    [
      'rejects',
      "export default async () => { throw new TypeError('late') }",
      /^threw TypeError: late/,
    ],
    ['answers a number', 'export default () => 5', /^answered a number/],
    ['answers a list', 'export default (event) => [event]', /^answered a list/],
    ['answers a function', 'export default () => () => 1', /^answered a function/],
    [
      'answers a circle',
      'export default () => { const a = {}; a.a = a; return a }',
      /^threw TypeError/,
    ],
    ['exits', 'export default () => process.exit(0)', /^ended its thread/],
    ['hangs', 'export default () => { for (;;); }', /^gave no answer within 300 ms/],
    ['never settles', 'export default () => new Promise(() => undefined)', /^gave no answer/],
    [
      'fills its memory',
      'export default () => { const all = []; for (;;) all.push(new Array(1e6).fill(all.length)); }',
      /^(used more than 256 MB|gave no answer|ended its thread)/,
    ],
  ])('that %s spoils one answer, and no other', async (_, source, error) => {
    const transform = await load(
      source.replace('export default ', 'let calls = 0; const bad = ') +
        '; export default (event, context) => (context.text === "fine" ? "fine" : bad(event, context))',
    );
    expect(await transform.apply(context())).toEqual({
      kind: 'failed',
      error: expect.stringMatching(error) as string,
    });
    expect(textOf(await transform.apply(context('fine')))).toBe('fine');
  });

  it('that hangs five times is given no more', async () => {
    const transform = await load('export default () => { for (;;); }');
    for (let time = 1; time < 5; time++) {
      expect(await transform.apply(context())).toMatchObject({ kind: 'failed' });
    }
    await expect(transform.apply(context())).rejects.toMatchObject({ code: 'CALLBACK_FAILED' });
  });

  it('prints beside the answer, not into it', async () => {
    const lines: string[] = [];
    const transform = await load(
      "export default () => { console.log('one\\ntwo'); console.error('three'); return 'x' }",
      (line) => lines.push(line),
    );
    await transform.apply(context());
    await expect.poll(() => lines.toSorted()).toEqual(['one', 'three', 'two']);
  });

  it.each([
    ['is not there', undefined, /cannot be read/],
    ['does not parse', 'export default (', /cannot be loaded: SyntaxError/],
    ['throws at once', "throw new Error('no')", /cannot be loaded: Error: no/],
    ['exports no function', 'export default 5', /exports no function/],
    ['ends the thread', 'process.exit(0)', /ended its thread/],
  ])('that %s is refused before anything is read', async (_, source, message) => {
    const loading = source === undefined ? Transform.load(join(folder, 'none.mjs')) : load(source);
    await expect(loading).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringMatching(message) as string,
    });
  });
});
