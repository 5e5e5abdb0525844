import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { BoundedOutput } from '../../../producers/commands/bounded-output.ts';
import { OutputLines, secretParts } from '../../../producers/commands/output-lines.ts';
import { maskText } from '../../../producers/redaction/mask-text.ts';

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

  const named = 'open "sesame" and, close = [it] again';
  const quoted = JSON.stringify(named);
  const key = 'MIIEowIBAAKCAQEA c2VjcmV0 b3Blbg==';
  const texts = [
    `PASSWORD=${quoted} after`,
    `PASSWORD='it\\'s open, sesame' after`,
    `PASSWORD='open'"se same"'close' after`,
    `deploy --password ${quoted} after`,
    `{"password":${quoted},"pin": 123456789, "n": 1} after`,
    `say ${JSON.stringify(`{"password":${quoted}}`)} after`,
    `{"secrets": ["open", "sesame"], "n": 1} after`,
    `{"private_key":"-----BEGIN PRIVATE KEY-----\\n${key}\\n-----END PRIVATE KEY-----"} after`,
    `-----BEGIN RSA PRIVATE KEY-----\\n${key}\\n-----END RSA PRIVATE KEY----- after`,
    `Cookie: open=sesame; close="it again"; sid='1 2'; last=3\nafter`,
    `Authorization: Digest username="open", response="sesame"\nafter`,
    `Authorization: Bearer c2VjcmV0b3Blbg== and more\nafter`,
    `at https://ada:opensesame@host/path after`,
  ];
  const maskedWhole = (text: string): string =>
    text
      .split('\n')
      .map((line) => maskText(line))
      .join('');

  test.each(texts)('%s is masked alike wherever it is cut', (text) => {
    const before = 'x '.repeat(6_000);
    for (let cut = 0; cut <= text.length; cut += 1) {
      // What comes with so much before it is masked, and most of it handed on, at the cut.
      const lines = linesOf([before + text.slice(0, cut), ...text.slice(cut).split('')]);
      expect([cut, lines.join('').slice(before.length)]).toEqual([cut, maskedWhole(text)]);
    }
  });

  test('many of them are, however they come', () => {
    const spaces = fc.integer({ min: 1, max: 9_000 }).map((length) => ' x'.repeat(length / 2));
    const parts = fc.array(fc.tuple(fc.constantFrom(...texts), spaces), { maxLength: 8 });
    const lengths = fc.array(fc.integer({ min: 1, max: 9_000 }), { minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(parts, lengths, (all, sizes) => {
        const text = all.map(([part, space]) => `${part}${space} `).join('');
        const chunks: string[] = [];
        for (let at = 0; at < text.length; at += chunks.at(-1)?.length ?? 1) {
          chunks.push(text.slice(at, at + (sizes[chunks.length % sizes.length] ?? 1)));
        }
        const squeeze = (t: string) => t.replaceAll(/(?: x)+/gu, '~');
        expect(squeeze(linesOf(chunks).join(''))).toBe(squeeze(maskedWhole(text)));
      }),
    );
  });

  test('a quoted secret longer than a piece ends where its quote does', () => {
    const long = `password="${'open, sesame \\" '.repeat(2_000)}" after`;
    expect(linesOf(long.match(/[^]{1,999}/gu) ?? []).join('')).toBe('password="[masked]" after');
  });

  test('a known secret that is longer as JSON or in a URL', () => {
    const secret = '"open\\sesame" '.repeat(100).trim();
    const text = `${JSON.stringify(secret)} ?q=${encodeURIComponent(secret)} after`;
    for (let cut = 0; cut <= text.length; cut += 7) {
      const lines = linesOf(
        [`${'x '.repeat(6_000)}${text.slice(0, cut)}`, text.slice(cut)],
        [secret],
      );
      expect([cut, lines.join('')]).not.toEqual([cut, expect.stringContaining('open')]);
    }
  });

  test('a key that never ends hides no more than a key takes, and says how much', () => {
    const begin = '-----BEGIN RSA PRIVATE KEY-----';
    const later = Array.from({ length: 3_000 }, (_, n) => `line ${n} of something else altogether`);
    const lines = linesOf([[begin, ...later].join('\n')]);
    expect(lines[0]).toBe('[masked]');
    expect(lines.at(-1)).toBe(later.at(-1));
    const [told = '', ...rest] = lines.slice(1);
    const hidden = later.slice(0, later.length - rest.length);
    expect(told).toBe(`… ${hidden.join('').length} characters of a private key left out …`);
    expect(hidden.join('\n').length).toBeLessThan(70_000);
    const told4 = '… 4 characters of a private key left out …';
    expect(linesOf([begin, '\nMIIE\n'])).toEqual(['[masked]', told4]);
    const joined = `${begin.replace('BEGIN', 'END')}${begin}`;
    const two = linesOf([`${begin}\nMIIE\n${joined}\nc2Vj\nend`]);
    expect(two.join('\n')).not.toMatch(/MIIE|c2Vj/u);
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
