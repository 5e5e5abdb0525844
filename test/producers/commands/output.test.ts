import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { BoundedOutput } from '../../../producers/commands/bounded-output.ts';
import { OutputLines, secretParts } from '../../../producers/commands/output-lines.ts';

/** What is recorded of a stream that comes in these chunks. */
function linesOf(chunks: readonly string[], secrets: readonly string[] = []): string[] {
  const lines: string[] = [];
  const reader = new OutputLines(secretParts(secrets), (line) => lines.push(line));
  for (const chunk of chunks) reader.write(Buffer.from(chunk));
  reader.end();
  return lines;
}

describe('R-REC-04: the lines of a stream', () => {
  test('however it was cut, also within a character', () => {
    const bytes = Buffer.from('one\r\ntwo – ü\nthree');
    const lines: string[] = [];
    const reader = new OutputLines([], (line) => lines.push(line));
    for (const byte of bytes) reader.write(Buffer.from([byte]));
    reader.end();
    expect(lines).toEqual(['one', 'two – ü', 'three']);
  });

  test('without colours, which can part a secret’s name', () => {
    expect(linesOf(['\u001b[31mpass\u001b[0mword=hunter2\n'])).toEqual(['password=[masked]']);
  });

  test('a secret between two chunks is masked', () => {
    expect(linesOf(['the word is open', 'sesame!\n'], ['opensesame'])).toEqual([
      'the word is [masked]!',
    ]);
  });

  test('so is one of several lines, and a private key without its end', () => {
    const secret = 'first-part-of-it\nsecond-part-of-it';
    expect(linesOf([`a ${secret} b\n`], [secret])).toEqual(['a [masked]', '[masked] b']);
    const key = ['-----BEGIN RSA PRIVATE KEY-----', 'MIIEowIBAAKCAQEA', 'c2VjcmV0'];
    expect(linesOf([`x\n${key.join('\n')}\n`]).join('\n')).not.toMatch(/MIIE|c2Vj/);
    const ended = [...key, '-----END RSA PRIVATE KEY-----', 'after'];
    expect(linesOf([ended.join('\n')]).at(-1)).toBe('after');
  });

  test('a line without end is handed on in pieces, and no secret with it', () => {
    const secret = 'correct-horse-battery-staple';
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 40_000 }),
        fc.integer({ min: 1, max: 5_000 }),
        (before, step) => {
          const text = `${'x '.repeat(before / 2)} ${secret} ${'y'.repeat(10_000)}`;
          const chunks = text.match(new RegExp(`.{1,${step}}`, 'gsu')) ?? [];
          const lines = linesOf(chunks, [secret]);
          const all = lines.join('');
          expect(all).toBe(text.replace(secret, '[masked]'));
          expect(Math.max(...lines.map(({ length }) => length))).toBeLessThanOrEqual(8_192);
        },
      ),
      { numRuns: 60 },
    );
  });

  test('a secret longer than a piece leaves nothing of its end behind', () => {
    const lines = linesOf([
      'password=',
      ...Array.from({ length: 40 }, () => 'A'.repeat(1_000)),
      ' b',
    ]);
    expect(lines.join('')).toBe('password=[masked] b');
  });
});

describe('R-REC-04: bounded output', () => {
  test('head and tail, in the order they came, with what is missing', () => {
    const output = new BoundedOutput(30, 30);
    for (let n = 1; n <= 100; n += 1) output.add(n % 2 === 0 ? 'stderr' : 'stdout', `line ${n}`);
    expect(output.text().split('\n')).toEqual([
      'out| line 1',
      'err| line 2',
      expect.stringMatching(/^… \d+ characters left out …$/),
      'out| line 99',
      'err| line 100',
      '',
    ]);
    expect(output.omitted).toBeGreaterThan(1_000);
  });

  test('all of it, where it fits', () => {
    const output = new BoundedOutput(12, 100);
    output.add('stdout', 'first');
    output.add('stdout', 'second');
    expect([output.text(), output.omitted]).toEqual(['out| first\nout| second\n', 0]);
  });
});
