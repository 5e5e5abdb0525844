import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { exitCodeOf, failureLines } from '../../cli/failure.ts';
import { boundParameters } from '../../cli/query/parameters.ts';
import { drawTable, MAX_TABLE_ROWS } from '../../cli/query/table.ts';
import { safeText } from '../../cli/safe-text.ts';
import { readableLine } from '../../cli/stack/worker-output.ts';
import { LedgerlineError } from '../../schemas/index.ts';
import { runCli } from './run-cli.ts';

/** Controls, and the marks that turn the writing direction round or break a line. */
const isObeyed = (character: string): boolean => {
  const code = character.codePointAt(0) ?? 0;
  const inside = (first: number, last: number): boolean => code >= first && code <= last;
  return inside(0, 0x1f) || inside(0x7f, 0x9f) || inside(0x200e, 0x200f) || inside(0x2028, 0x202e);
};

async function* rows(list: readonly (readonly string[])[]): AsyncGenerator<Buffer> {
  await Promise.resolve();
  yield Buffer.from(list.map((row) => JSON.stringify(row)).join('\n'));
}

describe('what is printed to a terminal', () => {
  it('never makes it do anything, whatever a producer has sent', () => {
    expect(safeText('\u001b[2J\u202egnp.exe\nrow')).toBe('\\u001b[2J\\u202egnp.exe\\nrow');
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary' }),
        (text) => !Array.from(safeText(text)).some(isObeyed),
      ),
    );
  });

  it.each(['CI', 'FORCE_COLOR'])('has no colours in a pipe, %s or not', async (name) => {
    const { code, stderr } = await runCli(['nonsense'], { env: { [name]: '1' } });
    expect([code, Array.from(stderr.trimEnd().replaceAll('\n', '')).filter(isObeyed)]).toEqual([
      2,
      [],
    ]);
  });

  it('is a table of a thousand rows at most, which says when there are more', async () => {
    const shown = await drawTable(rows([['n'], ['\u001b[31m'], ...Array(1500).fill(['1'])]));
    expect(shown).toMatchObject({ rows: MAX_TABLE_ROWS, more: true });
    expect(shown.text).toContain('\\u001b[31m');
  });

  it('is a worker’s log line without its JSON', () => {
    const line = '{"level":40,"time":1,"pid":7,"msg":"retrying","partition":3,"error":"a\\u001bb"}';
    expect(readableLine(line)).toBe('warn retrying partition=3 error=a\\u001bb');
    expect(readableLine('plain \u0007text')).toBe('plain \\u0007text');
  });
});

describe('an error', () => {
  it('is one line: what, and the way out', () => {
    const error = new LedgerlineError('PORT_TAKEN', 'Kafka cannot listen\non 1:2: taken', {
      hint: 'choose another port',
    });
    expect(failureLines(error)).toEqual([
      'Kafka cannot listen on 1:2: taken. Choose another port.',
    ]);
    expect(exitCodeOf(error)).toBe(1);
  });

  it('of the configuration lists all faults, and is the asker’s', () => {
    const fault = (text: string) =>
      new LedgerlineError('CONFIG_INVALID', text, { hint: 'See docs.' });
    const error = new AggregateError([fault('2 faults:\n  A: x\n  B: y'), fault('C: z')]);
    expect(failureLines(error)).toEqual([
      '2 faults:',
      '  A: x',
      '  B: y',
      '  See docs.',
      'C: z. See docs.',
    ]);
    expect(exitCodeOf(error)).toBe(2);
  });
});

describe('bound parameters', () => {
  it('are text, but lists and maps are JSON', () => {
    const sql = 'SELECT {a:String}, { ids : Array(String)}, {m:Map(String, String)}';
    expect(boundParameters(sql, { a: '["x"]', ids: '["x"]', m: '{"k":"v"}' })).toEqual({
      a: '["x"]',
      ids: ['x'],
      m: { k: 'v' },
    });
    expect(() => boundParameters(sql, { ids: 'x' })).toThrow('not given as JSON');
  });
});
