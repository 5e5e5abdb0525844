import { userInfo } from 'node:os';
import type { Publisher } from '../producers/publisher.ts';
import { ledgerEvents } from '../schemas/catalogs/ledger.ts';
import { LedgerlineError } from '../schemas/errors.ts';
import { uuidv7 } from '../schemas/uuid.ts';
import type { AuditEvent, EventTypeName } from '../schemas/index.ts';
import { CONTACT_DEADLINE_MS, withDeadline } from './deadline.ts';
import type { Environment } from './environment.ts';
import { deliveryFrom } from './kafka-connection.ts';

const DELIVERY_DEADLINE_MS = 30_000;

/** What an operator has done to the ledger, as an event of the category `ledger`. */
export interface OperatorAct {
  readonly type: EventTypeName<typeof ledgerEvents>;
  readonly data: Readonly<Record<string, unknown>>;
  /** Whom it was done by; the operating system's user when not given. */
  readonly actor?: string | undefined;
  readonly reason?: string | undefined;
  readonly tenant?: string | undefined;
  readonly target?: AuditEvent['target'];
  readonly outcome?: AuditEvent['outcome'];
  readonly error?: AuditEvent['error'];
  /** Given by whoever may say it twice: the event's id, a UUID. */
  readonly id?: string | undefined;
  /** Default: now. Whoever gives an id gives the same time with it, by which a repeat is known. */
  readonly occurredAt?: Date | undefined;
  /** Default: the type's own. */
  readonly retentionClass?: string | undefined;
}

/**
 * The ledger's record of what operators do to it: retention changed, messages replayed, tables
 * swapped. Open it before doing anything, so that nothing is done that cannot be recorded.
 *
 * @example
 * await using record = await OperatorRecord.open(environment);
 * await changeSomething();
 * await record.add({ type: 'ledger.retention.changed', data: { before, after } });
 */
export class OperatorRecord {
  readonly #publisher: Publisher;

  private constructor(publisher: Publisher) {
    this.#publisher = publisher;
  }

  /** @throws LedgerlineError KAFKA_UNREACHABLE, KAFKA_REFUSED, within 5 s */
  static async open(environment: Environment): Promise<OperatorRecord> {
    // Loaded here: most of what a command does needs no way to Kafka.
    const { openPublisher } = await import('../producers/publisher.ts');
    const { kafka, ...delivery } = deliveryFrom(environment);
    const silent = (): undefined => undefined;
    const publisher = await withDeadline(
      openPublisher({
        ...delivery,
        kafka: { ...kafka, clientId: 'ledgerline-cli' },
        logger: { info: silent, warn: silent, error: silent },
      }),
      CONTACT_DEADLINE_MS,
      () =>
        new LedgerlineError(
          'KAFKA_UNREACHABLE',
          `Kafka does not answer at ${kafka.brokers.join(', ')}: no answer within ${CONTACT_DEADLINE_MS} ms.`,
          {
            hint: 'What operators do is recorded in the ledger, so nothing was done. Start Kafka, or set LEDGERLINE_KAFKA_BROKERS to where it listens.',
          },
        ),
      (late) => void late.close({ timeoutMs: 0 }),
    );
    return new OperatorRecord(publisher);
  }

  /**
   * Resolves when all in-sync replicas have the event.
   *
   * @throws LedgerlineError when they do not within 30 s: the act is done and not on record
   */
  async add(act: OperatorAct): Promise<void> {
    const { delivered } = await this.#publisher.publish(eventOf(act), {
      mayRepeat: act.id !== undefined,
      timeoutMs: DELIVERY_DEADLINE_MS,
    });
    const outcome = await withDeadline(delivered, DELIVERY_DEADLINE_MS, () => unrecorded(act.type));
    if (outcome.status === 'lost') throw outcome.error;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#publisher.close({ timeoutMs: 1_000 });
  }
}

function eventOf(act: OperatorAct): AuditEvent {
  const definition = ledgerEvents.resolve(act.type);
  if (definition === undefined) throw new Error(`${act.type} is not among the ledger's own events`);
  return {
    id: act.id ?? uuidv7(),
    type: definition.type,
    version: definition.version,
    category: definition.category,
    operation: definition.operation,
    outcome: act.outcome ?? (act.error ? 'failure' : definition.outcome),
    severity: definition.severity,
    occurredAt: act.occurredAt ?? new Date(),
    tenant: act.tenant ?? 'default',
    actor: { type: 'operator', id: act.actor ?? operatingUser() },
    target: act.target,
    service: 'ledgerline-cli',
    reason: act.reason,
    error: act.error,
    data: definition.data.parse(act.data),
    retentionClass: act.retentionClass ?? definition.retentionClass,
  };
}

/** Who runs this command, by the operating system; a container's user may have no name. */
export function operatingUser(): string {
  try {
    return userInfo().username;
  } catch {
    return `uid-${process.getuid?.() ?? 'unknown'}`;
  }
}

const unrecorded = (type: string): LedgerlineError =>
  new LedgerlineError(
    'DEADLINE_EXCEEDED',
    `It is done, but its event ${type} has not reached Kafka within ${DELIVERY_DEADLINE_MS} ms.`,
    { hint: 'Look into Kafka, and note by hand what was done, when and by whom.' },
  );
