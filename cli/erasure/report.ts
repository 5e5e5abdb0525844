import type { Traces, UnfinishedErasure } from '../../clickhouse/index.ts';
import { safeText } from '../safe-text.ts';
import { answerColours, count, counted } from '../terminal.ts';

export function tracesLines(traces: Traces): string[] {
  const { asParty, namedOnly, heldCopies, elsewhere, quarantined, records, holds } = traces;
  return [
    `as actor, target or related party: ${counted(asParty, 'event')}`,
    `named in a text alone: ${count(namedOnly)}`,
    `copies under holds: ${count(heldCopies)}`,
    ...elsewhere.map(
      (one) => `in the table ${safeText(one.table)}, beside the ledger: ${count(one.events)}`,
    ),
    `messages in quarantine: ${count(quarantined)}`,
    `records of holds, erasures and quarantined messages: ${count(records)}`,
    ...holds.map(({ id, name }) =>
      answerColours.red(`forbidden by the hold ${id} (${safeText(name)})`),
    ),
  ];
}

/** One that has begun and not ended, and what completes it. */
export function unfinishedLine(erasure: UnfinishedErasure): string {
  const { id, beganAt, actor, reason, tenants, identifiers, atWork } = erasure;
  const whose = actor === '' ? '' : ` by ${safeText(actor)}`;
  const why = reason === '' ? '' : ` (${safeText(reason)})`;
  const begun = `the erasure ${id}, begun ${beganAt}${whose}${why}`;
  if (atWork) return `${begun}, is at work`;
  const scope = (tenants ?? []).map((tenant) => ` --tenant ${shellWord(safeText(tenant))}`);
  const given = identifiers === 1 ? 'its identifier' : `its ${identifiers} identifiers`;
  return `${begun}, has not ended: complete it with ${given}, \`ledgerline erase IDENTIFIER${identifiers === 1 ? '' : '…'}${scope.join('')} --yes\``;
}

const shellWord = (text: string): string =>
  /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
