import type { ClickHouse, Finding } from '../../clickhouse/index.ts';
import type { Environment } from '../environment.ts';
import { OperatorRecord } from '../operator-record.ts';

const IDS_PER_QUESTION = 200;
const AT_ONCE = 20;

/**
 * Stores findings as events, each once: those that are in the ledger already are left out, and one that
 * is still on its way is known by its id when it arrives. Its time is that of the window's beginning, so
 * that a repeat says the same; `ingested_at` tells when it was found. The class is the one that outlasts
 * all: windows may be years old.
 *
 * @returns how many were new
 * @throws LedgerlineError KAFKA_UNREACHABLE, KAFKA_REFUSED
 */
export async function recordFindings(
  environment: Environment,
  clickhouse: ClickHouse,
  findings: readonly Finding[],
): Promise<number> {
  const known = await recorded(clickhouse, findings);
  const fresh = findings.filter(({ id }) => !known.has(id));
  if (fresh.length === 0) return 0;
  await using record = await OperatorRecord.open(environment);
  for (let at = 0; at < fresh.length; at += AT_ONCE) {
    await Promise.all(
      fresh.slice(at, at + AT_ONCE).map((finding) =>
        record.add({
          type: 'ledger.finding.reported',
          id: finding.id,
          occurredAt: new Date(finding.since),
          retentionClass: 'archive',
          target: finding.subject,
          ...(finding.tenant === '' ? {} : { tenant: finding.tenant }),
          data: {
            detector: finding.detector,
            title: finding.title,
            since: finding.since,
            until: finding.until,
            observed: finding.observed,
            expected: finding.expected,
            score: finding.score,
            query: finding.lastingQuery,
            eventIds: finding.eventIds,
          },
        }),
      ),
    );
  }
  return fresh.length;
}

async function recorded(
  clickhouse: ClickHouse,
  findings: readonly Finding[],
): Promise<ReadonlySet<string>> {
  const known = new Set<string>();
  for (let at = 0; at < findings.length; at += IDS_PER_QUESTION) {
    const ids = findings.slice(at, at + IDS_PER_QUESTION).map(({ id }) => id);
    const rows = await clickhouse.query<{ id: string }>(
      `SELECT toString(event_id) AS id FROM audit_events
       WHERE event_type = 'ledger.finding.reported' AND event_id IN {ids:Array(UUID)}`,
      { params: { ids } },
    );
    for (const { id } of rows) known.add(id);
  }
  return known;
}
