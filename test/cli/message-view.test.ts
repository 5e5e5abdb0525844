import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { shownLines, shownMessage } from '../../cli/quarantine/show-report.ts';
import { messageView } from '../../cli/quarantine/message-view.ts';
import { placeOfFault } from '../../consumers/quarantine/rejudge.ts';

const notJson = { reason: 'not_json', error: '' } as const;
const marked = (text: string, reason: typeof notJson | { reason: 'invalid'; error: string }) => {
  const view = messageView(text, placeOfFault(text, reason));
  const line = view.lines[view.faultLine ?? -1] ?? '';
  return { ...view, line, mark: line.slice(view.from, view.to) };
};

describe('a quarantined message, shown', () => {
  it('is laid out line by line, with the field at fault marked', () => {
    const text = '{"a":{"b":[]},"weight":-1,"c":"x,{y}"}';
    const shown = marked(text, { reason: 'invalid', error: 'weight: too small' });
    expect(shown.lines).toEqual([
      '{',
      '  "a":{',
      '    "b":[]',
      '  },',
      '  "weight":-1,',
      '  "c":"x,{y}"',
      '}',
    ]);
    expect([shown.faultLine, shown.mark]).toEqual([4, '-1']);
  });

  it('is marked where it stops being JSON', () => {
    expect(marked('{"a":1,"b":tru}', notJson)).toMatchObject({ line: '  "b":tru', mark: 't' });
    expect(marked('nonsense', notJson)).toMatchObject({ line: 'nonsense', mark: 'n' });
  });

  it('never moves a terminal, whatever was sent', () => {
    const text = '{"a":"\u001b[2J\u202e","b":\u009b31mtru}';
    const { lines } = messageView(text, placeOfFault(text, notJson));
    for (const unsafe of ['\u001b', '\u009b', '\u202e'])
      expect(lines.join('')).not.toContain(unsafe);
    expect(lines.join('\n')).toContain('\\u001b[2J\\u202e');
  });

  it('of any size shows the lines around the fault, and says how much it hides', () => {
    const rows = Array.from({ length: 5_000 }, (_, n) => n);
    const text = `{"rows":${JSON.stringify(rows)},"weight":-1}`;
    const shown = marked(text, { reason: 'invalid', error: 'weight: too small' });
    expect(shown.lines.length).toBeLessThanOrEqual(200);
    expect(shown.mark).toBe('-1');
    expect(shown.hidden).toBeGreaterThan(10_000);
    const long = marked(`{"a":"${'x'.repeat(3_000)}" "b"}`, notJson);
    expect(long.line.length).toBeLessThan(250);
    expect(long.mark).toBe('"');
  });

  it('loses no character of what it shows, and marks what is at fault', () => {
    const plain = fc.json({ maxDepth: 3 }).filter((json) => /^[\u0020-\u007e]*$/.test(json));
    fc.assert(
      fc.property(plain, fc.nat(), (json, at) => {
        const where = at % (json.length + 1);
        const text = `${json.slice(0, where)}~${json.slice(where)}`;
        const { lines, from, to } = messageView(text, placeOfFault(text, notJson));
        fc.pre(!lines.some((line) => line.includes('…')));
        expect(lines.join('').replaceAll(/\s/g, '')).toBe(text.replaceAll(/\s/g, ''));
        expect(to).toBeGreaterThanOrEqual(from);
      }),
    );
  });
});

it('a message whose person was erased is shown as that, and as no tombstone', () => {
  const erased = {
    topic: 'audit.events',
    topicId: '6f0d1a52-7f0e-4c6e-9a53-0d6f6a1b2c3d',
    partition: 0,
    offset: 7,
    quarantinedAtMs: 0,
    timestampMs: 0,
    reason: 'invalid',
    error: '[erased]',
    bytes: 0,
    key: '',
    state: 'open',
    headers: { 'ledger.erased': '0198c0de-0000-7000-8000-0000000000aa' },
    message: Buffer.alloc(0),
  } as const;
  const standards = { expiry: { nowMs: 0, daysOf: () => 90 }, maxMessageBytes: 1_000 };
  const shown = shownMessage(erased, [], standards, false);
  expect(shown.today).toMatchObject({ passes: false, reason: 'erased' });
  const lines = shownLines(shown, '').join('\n');
  expect(lines).toContain(
    'erased: it named a person, and its body is no more; it cannot be replayed',
  );
  expect(lines).not.toContain('tombstone');
  const tombstone = shownMessage(
    { ...erased, reason: 'tombstone', headers: {} },
    [],
    standards,
    false,
  );
  expect(tombstone.today).toMatchObject({ reason: 'tombstone' });
});
