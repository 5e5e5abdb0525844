/**
 * Why a client does not come into touch with Kafka, in words for whoever runs it: both sides, services and
 * workers, connect with the same options. What a broker answers to a single request is each side's own matter.
 */

export interface ContactFailure {
  /** True: no repetition mends it, and some could lock the account. */
  readonly refused: boolean;
  /** What is the matter, with the address; never a password. */
  readonly message: string;
  /** The way out. */
  readonly hint: string;
}

export interface ContactOptions {
  readonly brokers: readonly string[];
  readonly ssl?: unknown;
  readonly sasl?: unknown;
}

/** Errors that the client wraps in others, outermost first; at most ten, should they form a ring. */
export function causesOf(error: unknown): Error[] {
  const causes: Error[] = [];
  for (let at = error; at instanceof Error && causes.length < 10; at = at.cause) causes.push(at);
  return causes;
}

/** The protocol's own name of an error, as `MESSAGE_TOO_LARGE`; undefined when no broker answered. */
export function protocolErrorOf(error: unknown): string | undefined {
  for (const cause of causesOf(error)) {
    if ('type' in cause && typeof cause.type === 'string') return cause.type;
  }
  return undefined;
}

/** A broker that has just started answers so, until its offsets topic is there and read. */
const WITHOUT_COORDINATOR = new Set([
  'GROUP_COORDINATOR_NOT_AVAILABLE',
  'NOT_COORDINATOR_FOR_GROUP',
  'GROUP_LOAD_IN_PROGRESS',
]);

/** TLS alerts by which a broker refuses what the client shows, or that it shows nothing. */
const OUR_CERTIFICATE = /alert (bad certificate|certificate|unknown ca|handshake failure)/i;
/** Node's and OpenSSL's words for a certificate that is not trusted. */
const UNTRUSTED =
  /self.signed|unable to (get|verify)|certificate|altnames|ERR_TLS|UNABLE_TO_|DEPTH_ZERO/i;
/** TLS spoken to a port that does not speak it. */
const NO_TLS = /wrong version number|packet length too long|before secure TLS connection/i;

const ABSENT: Readonly<Record<string, string>> = {
  ENOTFOUND: 'there is no host of that name',
  EAI_AGAIN: 'its name cannot be looked up just now',
  ECONNREFUSED: 'nothing listens there',
  EHOSTUNREACH: 'there is no way to that host',
  ENETUNREACH: 'there is no way to that network',
};

const START_IT = 'Start it, or set LEDGERLINE_KAFKA_BROKERS to where it listens';

/** `undefined` where the error says nothing about the connection: a broker's answer to one request. */
export function contactFailure(
  error: unknown,
  { brokers, ssl, sasl }: ContactOptions,
): ContactFailure | undefined {
  const at = `Kafka at ${brokers.join(', ')}`;
  const causes = causesOf(error);
  const type = protocolErrorOf(error);
  const said = causes.map(({ message }) => message).join(' ');
  const failure = (message: string, hint: string, refused = false): ContactFailure => ({
    message,
    hint,
    refused,
  });

  if (type === 'UNSUPPORTED_SASL_MECHANISM') {
    return failure(
      `${at} does not offer this kind of login.`,
      'Set LEDGERLINE_KAFKA_SASL_MECHANISM to one that the listener offers.',
      true,
    );
  }
  if (causes.some(({ name }) => name === 'KafkaJSSASLAuthenticationError')) {
    return failure(
      `${at} refused the user or password.`,
      'Check LEDGERLINE_KAFKA_SASL_MECHANISM, LEDGERLINE_KAFKA_SASL_USERNAME and the password.',
      true,
    );
  }
  if (type === 'ILLEGAL_SASL_STATE') {
    return failure(
      `${at} takes no login on this port.`,
      'Name the SASL listener in LEDGERLINE_KAFKA_BROKERS, or leave LEDGERLINE_KAFKA_SASL_MECHANISM out.',
    );
  }
  if (
    (type !== undefined && WITHOUT_COORDINATOR.has(type)) ||
    causes.some(({ name }) => name === 'KafkaJSGroupCoordinatorNotFound')
  ) {
    return failure(
      `${at} has no coordinator for the group yet.`,
      'A broker that has just started takes a moment. If it stays so, look at the topic __consumer_offsets: its partitions need leaders.',
    );
  }
  if (type !== undefined) return undefined;
  if (OUR_CERTIFICATE.test(said)) {
    return failure(
      `${at} does not accept our certificate, or wants one.`,
      'Name one that its authority has signed in LEDGERLINE_KAFKA_TLS_CERT_FILE, with LEDGERLINE_KAFKA_TLS_KEY_FILE.',
    );
  }
  if (NO_TLS.test(said)) {
    return failure(
      `${at} does not speak TLS on this port.`,
      'Name the TLS listener in LEDGERLINE_KAFKA_BROKERS, or set LEDGERLINE_KAFKA_TLS=false.',
    );
  }
  if (UNTRUSTED.test(said)) {
    return failure(
      `${at} shows a certificate that is not trusted.`,
      'Name the authority that signed it in LEDGERLINE_KAFKA_TLS_CA_FILE, and brokers as their certificates do.',
    );
  }
  if (/closed connection|ECONNRESET|socket hang up/i.test(said)) {
    return failure(...hungUp(at, ssl !== undefined, sasl !== undefined));
  }
  const absent = Object.keys(ABSENT).find((code) => said.includes(code));
  if (absent !== undefined) {
    return failure(`${at} does not answer: ${ABSENT[absent]} (${absent}).`, `${START_IT}.`);
  }
  const late = /no answer within \d+ ms/.exec(said)?.[0];
  if (late !== undefined || /timeout|timed out|ETIMEDOUT/i.test(said)) {
    return failure(
      `${at} takes connections and does not answer${late === undefined ? ' in time' : `: ${late}`}.`,
      `See whether it is Kafka that listens there, has started, and speaks as LEDGERLINE_KAFKA_TLS says; or set LEDGERLINE_KAFKA_BROKERS to where it is.`,
    );
  }
  if (causes.some((cause) => cause instanceof TypeError || cause instanceof RangeError)) {
    return failure(
      `${at} answers what is not understood.`,
      'See whether it is Kafka that listens there, in version 2.1 or newer, and speaks as LEDGERLINE_KAFKA_TLS says.',
    );
  }
  return failure(`${at} does not answer: ${causes[0]?.message ?? String(error)}.`, `${START_IT}.`);
}

/** What a broker means that ends a connection without a word. */
function hungUp(at: string, tls: boolean, login: boolean): [message: string, hint: string] {
  if (tls && login) {
    return [
      `${at} ends each connection without a word.`,
      'Its log says why; see also whether LEDGERLINE_KAFKA_BROKERS names its listener with TLS and SASL.',
    ];
  }
  const wanted = [
    ...(tls ? [] : ['LEDGERLINE_KAFKA_TLS=true']),
    ...(login ? [] : ['LEDGERLINE_KAFKA_SASL_MECHANISM']),
  ];
  const what = [...(tls ? [] : ['TLS']), ...(login ? [] : ['a login'])].join(' or ');
  return [
    `${at} ends each connection without a word, as a listener does that wants ${what}.`,
    `Set ${wanted.join(' or ')} as that listener wants it, or name another in LEDGERLINE_KAFKA_BROKERS.`,
  ];
}
