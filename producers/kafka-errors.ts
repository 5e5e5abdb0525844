import { LedgerlineError } from '../schemas/index.ts';
import { contactFailure, type ContactOptions, protocolErrorOf } from '../schemas/kafka-contact.ts';

/** What an error of the Kafka client means for the messages that were being sent. */
interface SendFailure {
  readonly kind: 'refused' | 'partition' | 'connection';
  /** The producer's identity still stands: the same batch can be repeated under it. */
  readonly repeatable: boolean;
}

/** The broker looked at the batch, wrote nothing, and never will. */
const TOO_LARGE = new Set(['MESSAGE_TOO_LARGE', 'RECORD_LIST_TOO_LARGE']);
const REFUSALS = new Set([...TOO_LARGE, 'INVALID_RECORD']);

/** Right as soon as somebody grants it: events wait for that. */
const UNAUTHORISED = new Set([
  'TOPIC_AUTHORIZATION_FAILED',
  'CLUSTER_AUTHORIZATION_FAILED',
  'TRANSACTIONAL_ID_AUTHORIZATION_FAILED',
]);

/** The broker and this producer no longer agree on who it is or how far it got. */
const LOST_IDENTITY = new Set([
  'OUT_OF_ORDER_SEQUENCE_NUMBER',
  'DUPLICATE_SEQUENCE_NUMBER',
  'INVALID_PRODUCER_EPOCH',
  'INVALID_PRODUCER_ID_MAPPING',
  'UNKNOWN_PRODUCER_ID',
  'PRODUCER_FENCED',
]);

export function classify(error: unknown): SendFailure {
  const type = protocolErrorOf(error);
  if (type === undefined) return { kind: 'connection', repeatable: true };
  if (REFUSALS.has(type)) return { kind: 'refused', repeatable: true };
  return { kind: 'partition', repeatable: !LOST_IDENTITY.has(type) };
}

/** Says in one line what is wrong, where it was tried, and the way out. */
export function explain(
  error: unknown,
  options: ContactOptions & { readonly topic: string },
): LedgerlineError {
  const contact = contactFailure(error, options);
  if (contact) {
    const { message, hint, refused } = contact;
    return new LedgerlineError(refused ? 'KAFKA_REFUSED' : 'KAFKA_UNREACHABLE', message, {
      hint,
      cause: error,
    });
  }
  const { brokers, topic } = options;
  const at = brokers.join(', ');
  const type = protocolErrorOf(error);
  if (type === 'UNKNOWN_TOPIC_OR_PARTITION') {
    return new LedgerlineError('KAFKA_REFUSED', `Kafka at ${at} has no topic "${topic}".`, {
      hint: `Create it: kafka-topics.sh --create --topic ${topic}.`,
      retryable: true,
      cause: error,
    });
  }
  if (type !== undefined && TOO_LARGE.has(type)) {
    const message = `Kafka at ${at} answered ${type}: the event is too large for "${topic}".`;
    return new LedgerlineError('EVENT_TOO_LARGE', message, {
      hint: "Raise the topic's max.message.bytes above 262144, or make the event smaller.",
      cause: error,
    });
  }
  if (type !== undefined && UNAUTHORISED.has(type)) {
    return new LedgerlineError('KAFKA_REFUSED', `Kafka at ${at} answered ${type}.`, {
      hint: `Let this client describe and write the topic "${topic}": kafka-acls.sh --add --producer.`,
      retryable: true,
      cause: error,
    });
  }
  return new LedgerlineError('KAFKA_REFUSED', `Kafka at ${at} answered ${type}.`, {
    hint: 'See https://kafka.apache.org/protocol#protocol_error_codes.',
    cause: error,
  });
}
