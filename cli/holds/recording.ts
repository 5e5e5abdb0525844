import type { AskOptions, ClickHouse } from '../../clickhouse/index.ts';
import { type Hold, listHolds } from '../../clickhouse/holds/holds.ts';
import { placeHold } from '../../clickhouse/holds/place.ts';
import { uuidv7 } from '../../schemas/uuid.ts';
import { failureCode } from '../failure.ts';
import type { OperatorAct, OperatorRecord } from '../operator-record.ts';
import { say } from '../terminal.ts';
import { sayWaiting } from './waiting.ts';

export interface Wanted {
  readonly query: string;
  readonly name: string;
  readonly owner: string;
  readonly reason: string;
  readonly actor: string;
}

/** Places a hold on the record: also one that stands although placing it failed or was interrupted half-way. */
export async function placeOnRecord(
  record: Pick<OperatorRecord, 'add'>,
  clickhouse: ClickHouse,
  wanted: Wanted,
  { tenant, timeZone, signal }: AskOptions,
): Promise<Hold> {
  const id = uuidv7();
  const said = ({ name, owner, query, tenants, events, ...hold }: Hold): OperatorAct => ({
    type: 'ledger.hold.placed',
    target: { type: 'hold', id, name },
    data: { name, owner, query, timeZone: hold.timeZone, events, ...(tenants && { tenants }) },
    reason: wanted.reason,
    actor: wanted.actor,
  });
  const hold = await placeHold(clickhouse, {
    ...wanted,
    id,
    tenant,
    onWait: sayWaiting,
    ...(timeZone !== undefined && { timeZone }),
    ...(signal && { signal }),
  }).catch(async (error: unknown) => {
    const stands = (await listHolds(clickhouse)).find((one) => one.id === id);
    if (stands !== undefined) {
      say(`the hold ${id} stands all the same: \`ledgerline hold sync\` takes up what it lacks`);
      await record.add({ ...said(stands), error: { code: failureCode(error) } });
    }
    throw error;
  });
  await record.add(said(hold));
  return hold;
}
