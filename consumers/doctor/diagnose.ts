/** Looks at all that a ledger stands on, and says what is not well and how to mend it. */
import { openClickHouse } from '../../clickhouse/index.ts';
import { LedgerlineError } from '../../schemas/index.ts';
import type { WorkerConfig } from '../config.ts';
import { clickhouseFindings } from './clickhouse-findings.ts';
import { type ClickHouseFacts, probeClickHouse } from './clickhouse-probe.ts';
import { clockFindings } from './clock-findings.ts';
import { about, type Finding } from './finding.ts';
import { kafkaFindings } from './kafka-findings.ts';
import { type KafkaFacts, probeKafka } from './kafka-probe.ts';

const DEADLINE_MS = 9_000;

/**
 * Asks Kafka and ClickHouse; only reads, joins no group. What cannot be reached is a finding, too.
 *
 * @example
 * const findings = await diagnose(workerConfig(process.env));
 * console.log(findings.filter(({ status }) => status === 'fault'));
 */
export async function diagnose(config: WorkerConfig): Promise<Finding[]> {
  const clickhouse = openClickHouse({ ...config.clickhouse, application: 'ledgerline-doctor' });
  try {
    const [kafka, tables] = await Promise.all([
      reached(
        'kafka',
        probeKafka(
          {
            ...config.kafka,
            clientId: 'ledgerline-doctor',
            connectionTimeoutMs: 3_000,
            requestTimeoutMs: DEADLINE_MS,
          },
          config.deadLetterTopic,
          DEADLINE_MS,
        ),
      ),
      reached('clickhouse', probeClickHouse(clickhouse, DEADLINE_MS)),
    ]);
    return [
      ...securityFindings(config),
      ...('unreached' in kafka
        ? [kafka.unreached]
        : kafkaFindings(kafka.facts, config.sessionTimeoutMs)),
      ...('unreached' in tables ? [tables.unreached] : clickhouseFindings(tables.facts)),
      ...clockFindings({
        leaseMs: config.leaseMs,
        clickhouseSkewMs: 'facts' in tables ? tables.facts.skewMs : undefined,
        kafka: 'facts' in kafka ? kafka.facts.clock : undefined,
      }),
    ];
  } finally {
    await clickhouse.close();
  }
}

type Reached<F> = { readonly facts: F } | { readonly unreached: Finding };

async function reached<F extends KafkaFacts | ClickHouseFacts>(
  area: 'kafka' | 'clickhouse',
  probe: Promise<F>,
): Promise<Reached<F>> {
  try {
    return { facts: await probe };
  } catch (error) {
    if (!(error instanceof LedgerlineError)) throw error;
    return { unreached: about(area).fault('reached', error.message, error.hint) };
  }
}

function securityFindings({ kafka, clickhouse }: WorkerConfig): Finding[] {
  const found: Finding[] = [];
  if (kafka.sasl?.mechanism === 'plain' && kafka.ssl === undefined) {
    found.push(
      about('kafka').warning(
        'plain-password',
        'the password travels to Kafka as it is: SASL PLAIN without TLS',
        'Set LEDGERLINE_KAFKA_TLS=true and name a TLS listener, or use SCRAM.',
      ),
    );
  }
  const { protocol, hostname } = new URL(clickhouse.url);
  const local = ['127.0.0.1', 'localhost', '[::1]'].includes(hostname);
  if (protocol === 'http:' && !local) {
    found.push(
      about('clickhouse').warning(
        'plain-http',
        'events and the password travel to ClickHouse as they are: http',
        'Use the https port of ClickHouse, unless the network between is trusted.',
      ),
    );
  }
  return found;
}
