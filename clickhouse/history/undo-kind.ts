import type { Operation } from '../../schemas/index.ts';
import type { ClickHouse } from '../clickhouse.ts';
import { asked, type AskOptions, callOptions, whereSql } from '../search/ask.ts';
import { Parameters } from '../search/compile.ts';
import { sourceSql } from '../search/source.ts';
import { isAboutItself } from './life.ts';
import { isText, type TargetKey } from './target-events.ts';
import { type Need, UndoRefused } from './undoing.ts';

/** What kind of event says that a record was brought back. */
export interface EventKind {
  readonly type: string;
  readonly category: string;
  readonly operation: Operation;
}

/**
 * The kind of event by which services tell of such a change of such a target: the one that is undone, where it
 * was an update, else the last that was stored.
 *
 * @throws UndoRefused where there was none, and none is named
 */
export async function kindOf(
  clickhouse: ClickHouse,
  { target, need, like }: { target: TargetKey; need: Need; like: EventKind | undefined },
  options: AskOptions & { readonly type?: string },
): Promise<EventKind> {
  if (options.type === undefined && like?.operation === need) return like;
  const question = await asked(clickhouse, isText('target_type', target.type), options);
  const params = new Parameters();
  const rows = await clickhouse.query<EventKind>(
    `SELECT event_type AS type, category, operation
FROM ${sourceSql(question, params)}
WHERE ${whereSql(question, params)}
  AND ${options.type === undefined ? `operation = ${params.bind(need, 'String')}` : `event_type = ${params.bind(options.type, 'String')}`}
  AND outcome = 'success'${need === 'update' ? ' AND notEmpty(changes)' : ''}
GROUP BY event_type, category, operation
ORDER BY max(occurred_at) DESC
LIMIT 50`,
    callOptions(options, params),
  );
  const { type } = options;
  if (type !== undefined) {
    // A type that was never stored: its category is the beginning of its name.
    return rows[0] ?? { type, category: type.split('.')[0] ?? type, operation: need };
  }
  const kind =
    rows.find((one) => need === 'update' || isAboutItself(one.type, target.type)) ?? like;
  if (kind !== undefined) return kind;
  throw new UndoRefused(
    `no event tells what type of event says that a ${target.type} was ${need}d`,
    'Name the type: --type, or the option type.',
  );
}
