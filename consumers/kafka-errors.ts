/** What an error of the Kafka client means to whoever runs a worker: a code, a line, the way out. */
import { WorkerError } from './worker-error.ts';

interface Address {
  readonly brokers: readonly string[];
  readonly ssl?: unknown;
  readonly sasl?: unknown;
}

/** Node's and OpenSSL's words for a certificate that is not trusted. */
const UNTRUSTED =
  /self.signed|unable to (get|verify)|certificate|altnames|ERR_TLS|UNABLE_TO_|DEPTH_ZERO/i;
/** A plain connection to a port that wants TLS, or the other way round. */
const OTHER_TONGUE = /wrong version number|packet length too long|before secure TLS connection/i;

const DENIED = new Set([
  'TOPIC_AUTHORIZATION_FAILED',
  'GROUP_AUTHORIZATION_FAILED',
  'CLUSTER_AUTHORIZATION_FAILED',
]);

/** Refusals that no repetition mends: whoever meets one stops, so that no account is locked by retries. */
export function isRefusal(error: unknown): boolean {
  return causesOf(error).some(
    (cause) =>
      cause.name === 'KafkaJSSASLAuthenticationError' || DENIED.has((cause as Typed).type ?? ''),
  );
}

/** Errors that are ours already stay as they are. Names no password. */
export function explainKafka(error: unknown, { brokers, ssl, sasl }: Address): WorkerError {
  if (error instanceof WorkerError) return error;
  const at = brokers.join(', ');
  const causes = causesOf(error);
  const type = causes.map((cause) => (cause as Typed).type).find((name) => name !== undefined);
  const said = causes.map(({ message }) => message).join(' ');
  const refused = (message: string, hint: string): WorkerError =>
    new WorkerError('KAFKA_REFUSED', message, { hint, cause: error });
  const unreachable = (message: string, hint: string): WorkerError =>
    new WorkerError('KAFKA_UNREACHABLE', message, { hint, retryable: true, cause: error });

  if (causes.some(({ name }) => name === 'KafkaJSSASLAuthenticationError')) {
    return refused(
      `Kafka at ${at} refused the user or password.`,
      'Check LEDGERLINE_KAFKA_SASL_MECHANISM, LEDGERLINE_KAFKA_SASL_USERNAME and the password.',
    );
  }
  if (type !== undefined && DENIED.has(type)) {
    return refused(
      `Kafka at ${at} answered ${type}.`,
      'Grant this user to describe and read the topic, and to read the group: kafka-acls.sh --add --consumer.',
    );
  }
  if (UNTRUSTED.test(said)) {
    return unreachable(
      `Kafka at ${at}: the broker's certificate, or ours, is not accepted.`,
      'Name the authority that signed it in LEDGERLINE_KAFKA_TLS_CA_FILE, and brokers as their certificates do.',
    );
  }
  if (OTHER_TONGUE.test(said)) {
    return unreachable(
      `Kafka at ${at} does not speak TLS on this port.`,
      'Name the TLS listener in LEDGERLINE_KAFKA_BROKERS, or set LEDGERLINE_KAFKA_TLS=false.',
    );
  }
  const secure = ssl === undefined ? 'LEDGERLINE_KAFKA_TLS' : 'LEDGERLINE_KAFKA_TLS=true';
  const mute = sasl === undefined || ssl === undefined;
  return unreachable(
    `Kafka does not answer at ${at}: ${causes[0]?.message ?? String(error)}`,
    `Start it, or set LEDGERLINE_KAFKA_BROKERS to where it listens${mute ? ` (and ${secure} and LEDGERLINE_KAFKA_SASL_MECHANISM to what that listener wants)` : ''}.`,
  );
}

type Typed = Error & { readonly type?: string };

/** Outermost first; at most ten, should they form a ring. */
function causesOf(error: unknown): Error[] {
  const causes: Error[] = [];
  for (let at = error; at instanceof Error && causes.length < 10; at = at.cause) causes.push(at);
  return causes;
}
