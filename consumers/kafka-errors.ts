/** What an error of the Kafka client means to whoever runs a worker: a code, a line, the way out. */
import {
  causesOf,
  contactFailure,
  type ContactOptions,
  protocolErrorOf,
} from '../schemas/kafka-contact.ts';
import { WorkerError } from './worker-error.ts';

const DENIED = new Set([
  'TOPIC_AUTHORIZATION_FAILED',
  'GROUP_AUTHORIZATION_FAILED',
  'CLUSTER_AUTHORIZATION_FAILED',
]);

/** Refusals that no repetition mends: whoever meets one stops, so that no account is locked by retries. */
export const isRefusal = (error: unknown): boolean =>
  DENIED.has(protocolErrorOf(error) ?? '') ||
  (contactFailure(error, { brokers: [] })?.refused ?? false);

/** Errors that are ours already stay as they are. Names no password. */
export function explainKafka(error: unknown, options: ContactOptions): WorkerError {
  if (error instanceof WorkerError) return error;
  const at = options.brokers.join(', ');
  const contact = contactFailure(error, options);
  if (contact) {
    const { message, hint, refused } = contact;
    return refused
      ? new WorkerError('KAFKA_REFUSED', message, { hint, cause: error })
      : new WorkerError('KAFKA_UNREACHABLE', message, { hint, retryable: true, cause: error });
  }
  const type = protocolErrorOf(error) ?? causesOf(error)[0]?.message ?? String(error);
  if (DENIED.has(type)) {
    return new WorkerError('KAFKA_REFUSED', `Kafka at ${at} answered ${type}.`, {
      hint: 'Grant this user to describe and read the topic, and to read the group: kafka-acls.sh --add --consumer.',
      cause: error,
    });
  }
  if (type === 'INCONSISTENT_GROUP_PROTOCOL') {
    return new WorkerError(
      'KAFKA_UNREACHABLE',
      `Kafka at ${at} has members of another program in the group.`,
      {
        hint: 'Stop that program, or give the workers a LEDGERLINE_KAFKA_GROUP of their own, with the same offsets.',
        retryable: true,
        cause: error,
      },
    );
  }
  return new WorkerError('KAFKA_UNREACHABLE', `Kafka at ${at} answered ${type}.`, {
    hint: 'See https://kafka.apache.org/protocol#protocol_error_codes, and the log of the broker.',
    retryable: true,
    cause: error,
  });
}
