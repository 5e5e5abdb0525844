import { describe, expect, test } from 'vitest';
import { changesBetween } from '../../../producers/index.ts';
import { patchOf } from '../../../clickhouse/history/going-back.ts';
import { Undoing, UndoRefused } from '../../../clickhouse/history/undoing.ts';
import type { AuditEvent } from '../../../schemas/index.ts';
import { created, deleted, told } from './story.ts';

const was = { name: 'Ada', phone: '1', tags: ['a', 'b'], byYear: { 2025: 'x' } };
const born = created({ changes: changesBetween(undefined, was) });
const edit = (before: object, after: object): AuditEvent =>
  told({ changes: changesBetween(before, after) });

function undoing(event: AuditEvent, ...history: readonly AuditEvent[]) {
  const undo = new Undoing(event.id);
  for (const one of history) undo.take(one);
  return undo.wayBack();
}

function refusal(event: AuditEvent, ...history: readonly AuditEvent[]): UndoRefused {
  try {
    undoing(event, ...history);
  } catch (error) {
    if (error instanceof UndoRefused) return error;
    throw error;
  }
  throw new Error('it was not refused');
}

describe('R-ASK-02: undoing one event', () => {
  const phone = edit({ phone: '1' }, { phone: '2' });

  test('gives the changes that lead back, as JSON Patch that tests what it replaces', () => {
    const { need, changes } = undoing(phone, born, phone, edit({ name: 'Ada' }, { name: 'Bo' }));
    expect(need).toBe('update');
    expect(changes).toEqual([{ op: 'replace', path: '/phone', old: '2', new: '1' }]);
    expect(patchOf(changes)).toEqual([
      { op: 'test', path: '/phone', value: '2' },
      { op: 'replace', path: '/phone', value: '1' },
    ]);
  });

  test('refuses where later events changed the same, and names them', () => {
    const again = edit({ phone: '2' }, { phone: '3' });
    const whole = told({ changes: [{ op: 'replace', path: '', new: {} }] });
    const refused = refusal(phone, born, phone, again, whole);
    expect(refused).toMatchObject({ code: 'UNDO_REFUSED', unknown: [] });
    expect(refused.conflicts.map(({ event, paths }) => [event.id, paths])).toEqual([
      [again.id, ['/phone']],
      [whole.id, ['']],
    ]);
    expect(refused.message).toContain(again.id);
    expect(refusal(phone, born, phone, deleted()).conflicts).toHaveLength(1);
  });

  test('items of a list that moved are in the way, members named by numbers are not', () => {
    const item = edit({ tags: ['a', 'b'] }, { tags: ['a', 'c'] });
    const moved = told({ changes: [{ op: 'remove', path: '/tags/0', old: 'a' }] });
    expect(refusal(item, born, item, moved).conflicts).toHaveLength(1);
    const year = edit({ byYear: { 2025: 'x' } }, { byYear: { 2025: 'y' } });
    const other = told({ changes: [{ op: 'add', path: '/byYear/2024', new: 'w' }] });
    expect(undoing(year, born, year, other).changes).toHaveLength(1);
    // Where only the events are left, nobody knows that it is no list.
    expect(refusal(year, year, other).conflicts).toHaveLength(1);
  });

  test('a record that was told again as it was is not in the way', () => {
    const snapshot = told({ changes: changesBetween(undefined, { ...was, phone: '2' }) });
    expect(undoing(phone, born, phone, snapshot).changes).toHaveLength(1);
    expect(refusal(snapshot, born, phone, snapshot).message).toContain('changed nothing');
  });

  test('what was masked, erased or cut cannot be undone', () => {
    const masked = told({
      changes: [{ op: 'replace', path: '/phone', old: '[masked]', new: '[masked]' }],
      attributes: { 'ledger.redacted': '["/changes/phone"]' },
    });
    expect(refusal(masked, born, masked).unknown).toContainEqual({
      path: '/phone',
      why: 'redacted',
    });
    const cut = told({ changes: changesBetween({}, { a: 1, b: 2 }, { maxChanges: 1 }) });
    expect(refusal(cut, born, cut).unknown).toContainEqual({ path: '', why: 'truncated' });
  });

  test('a creation is undone by removing, a deletion by adding what there was', () => {
    expect(undoing(born, born)).toMatchObject({
      need: 'delete',
      changes: [{ op: 'remove', path: '', old: was }],
    });
    expect(refusal(born, born, phone).conflicts).toHaveLength(1);
    const gone = deleted();
    expect(undoing(gone, born, phone, gone)).toMatchObject({
      need: 'create',
      changes: [{ op: 'add', path: '', new: { ...was, phone: '2' } }],
    });
    expect(refusal(gone, phone, gone).unknown).toEqual([{ path: '', why: 'beginning' }]);
    expect(refusal(gone, gone).message).toContain('nothing is known');
  });

  test('what failed, is not there or does not fit is refused', () => {
    const denied = told({ outcome: 'denied', changes: phone.changes });
    expect(refusal(denied, born, denied).message).toContain('did not succeed');
    expect(refusal(phone, born).message).toContain('no such event');
    const silent = told();
    expect(refusal(silent, born, silent).message).toContain('names no changes');
    const lost = edit({ phone: '7' }, { phone: '8' });
    expect(undoing(lost, born, lost).changes).toEqual([
      { op: 'replace', path: '/phone', old: '8', new: '7' },
    ]);
  });
});
