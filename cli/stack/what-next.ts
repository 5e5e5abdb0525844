import type { StackAddresses } from './addresses.ts';

const EVENT =
  '{"type":"app.created","actor":{"type":"user","id":"u_7","name":"Ada"},"target":{"id":"app_1","name":"shop"}}';
const SQL = 'SELECT occurred_at, event_type, actor_name, target_name FROM audit_events';

/** The addresses, and commands that can be pasted into another terminal as they are. Pure. */
export function whatNext(
  at: StackAddresses,
  variables: Readonly<Record<string, string>>,
  defaults: Readonly<Record<string, string>>,
): string[] {
  const changed = Object.entries(variables).filter(([name, value]) => defaults[name] !== value);
  return [
    `Kafka       ${at.brokers}, topic ${at.topic}`,
    `ClickHouse  ${at.clickhouseUrl}, database ${at.database}`,
    `worker      pid ${at.workerPid}`,
    '',
    'Try next, in another terminal:',
    ...(changed.length === 0
      ? []
      : [`  export ${changed.map(([name, value]) => `${name}=${value}`).join(' ')}`]),
    `  echo '${EVENT}' | npm run -s ledgerline -- emit`,
    `  npm run -s ledgerline -- query '${SQL}'`,
    `  curl '${at.clickhouseUrl}/?database=${at.database}' --data-binary '${SQL} FORMAT PrettyCompact'`,
    '  npm run -s ledgerline -- verify',
    '',
    'Ctrl-C stops everything.',
  ];
}
