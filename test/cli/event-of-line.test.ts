import { describe, expect, it } from 'vitest';
import { builtInCatalog } from '../../cli/emit/built-in-catalog.ts';
import { eventOfLine, type LineRead } from '../../cli/emit/event-of-line.ts';
import { encodeRow } from '../../schemas/index.ts';

const ID = '019ab1c2-7d3e-7a41-9c0f-2b6a51d8e7f4';
const ACTOR = { type: 'user', id: 'u_7' };

function read(line: unknown): LineRead {
  let seq = 0;
  return eventOfLine(Buffer.from(typeof line === 'string' ? line : JSON.stringify(line)), {
    service: 'cli',
    tenant: 'default',
    catalog: builtInCatalog,
    producer: { id: ID, nextSeq: () => (seq += 1) },
    newId: () => ID,
    now: () => new Date('2026-11-22T10:00:00Z'),
  });
}

const reasonOf = (line: unknown): string => {
  const result = read(line);
  return result.ok ? 'accepted' : result.reason;
};

describe('R-REC-02: a line of `ledgerline emit`', () => {
  it('of a declared type takes category, operation and target type from the catalog', () => {
    const line = {
      type: 'app.env_var.updated',
      actor: ACTOR,
      target: { id: 'v1' },
      data: { key: 'A' },
    };
    expect(read(line)).toMatchObject({
      ok: true,
      mayRepeat: false,
      event: {
        category: 'app',
        operation: 'update',
        outcome: 'success',
        target: { type: 'env_var', id: 'v1' },
        tenant: 'default',
        service: 'cli',
        occurredAt: '2026-11-22T10:00:00.000000Z',
        producer: { id: ID, seq: 1 },
      },
    });
  });

  it('of a protected category is kept as protected', () => {
    const line = { type: 'security.account.unlocked', actor: ACTOR, target: { id: 'u_8' } };
    expect(read(line)).toMatchObject({ ok: true, event: { retentionClass: 'protected' } });
    expect(reasonOf({ ...line, retentionClass: 'standard' })).toContain('retentionClass');
  });

  it('of a type of its own needs a category of its own', () => {
    const line = { type: 'billing.invoice.sent', actor: ACTOR };
    expect(reasonOf(line)).toContain('give the line a "category"');
    expect(read({ ...line, category: 'billing', operation: 'execute' })).toMatchObject({
      ok: true,
      event: { category: 'billing', operation: 'execute' },
    });
    expect(reasonOf({ ...line, category: 'ledger' })).toContain("Ledgerline's own");
  });

  it('that misspells a declared type is told the right one', () => {
    const line = { type: 'app.env_var.updatd', category: 'app', actor: ACTOR, target: { id: 'v' } };
    expect(reasonOf(line)).toContain('app.env_var.updated');
  });

  it('with an id of its own, or as a wire row, may be sent again', () => {
    const line = { type: 'app.created', id: ID, actor: ACTOR, target: { id: 'a' } };
    expect(reasonOf(line)).toContain('occurredAt: is required beside an id');
    const first = read({ ...line, occurredAt: '2026-11-22T09:00:00Z' });
    if (!first.ok) throw new Error(first.reason);
    expect(first.mayRepeat).toBe(true);
    const row = encodeRow(first.event).toString();
    expect(read(row)).toEqual(first);
  });

  it.each([
    ['no JSON', '{"type":', /^is not JSON/],
    ['no UTF-8', Buffer.from([0x7b, 0xff, 0x7d]).toString('latin1'), /is not/],
    ['a list', '[]', /not a JSON object/],
    ['no actor', { type: 'app.created', target: { id: 'a' } }, /actor: is required/],
    ['no target', { type: 'app.created', actor: ACTOR }, /needs a target/],
    [
      'wrong data',
      { type: 'app.env_var.updated', actor: ACTOR, target: { id: 'v' }, data: {} },
      /data\.key/,
    ],
    [
      'an unknown field',
      { type: 'app.created', actor: ACTOR, target: { id: 'a' }, foo: 1 },
      /unknown field "foo"/,
    ],
    [
      'a wrong word',
      { type: 'x.y', category: 'x', actor: ACTOR, outcome: 'maybe' },
      /outcome: must be one of/,
    ],
    [
      'a time that is none',
      { type: 'x.y', category: 'x', actor: ACTOR, occurredAt: 'now' },
      /occurredAt/,
    ],
    [
      'a target without type',
      { type: 'x.y', category: 'x', actor: ACTOR, target: { id: '1' } },
      /target\.type/,
    ],
    ['a row with unknown columns', { wire_version: 1, nope: 1 }, /unknown field "nope"/],
  ])('with %s is refused with the reason, and never throws', (_, line, reason) => {
    expect(reasonOf(line)).toMatch(reason);
  });
});
