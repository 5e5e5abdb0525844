import { createRequire } from 'node:module';
import kafkajs, {
  type ICustomPartitioner,
  type IHeaders,
  type Kafka,
  type Producer,
  type SASLOptions,
} from 'kafkajs';
import { codecOf, type Compression } from './compression.ts';
import { settlesWithin } from './deadline.ts';
import { LedgerlineError, mendConnections } from '../schemas/index.ts';
import { classify, explain } from './kafka-errors.ts';
import type { KafkaOptions } from './options.ts';
import type {
  OutboundMessage,
  PartitionBatch,
  SendOutcome,
  TogetherOutcome,
  Transport,
} from './transport.ts';

/** How long to wait for the client to put its connections away. */
const DISCONNECT_TIMEOUT_MS = 1_000;

/**
 * Inside one send, for what passes within a moment: a moved leader, a dropped connection. kafkajs
 * has other defaults under NODE_ENV=test and chance in its delays, so that everything is said here.
 */
const SEND_RETRY = {
  retries: 2,
  initialRetryTime: 50,
  maxRetryTime: 500,
  multiplier: 2,
  factor: 0,
} as const;

// A CommonJS package, not all of whose names Node can see as exports.
const { CompressionCodecs, CompressionTypes, logLevel } = kafkajs;

try {
  mendConnections(createRequire(import.meta.url));
} catch {
  // A bundler has put kafkajs elsewhere: its connections stay as it has them, and the service starts all the same.
}

const TYPES = {
  none: CompressionTypes.None,
  gzip: CompressionTypes.GZIP,
  lz4: CompressionTypes.LZ4,
  zstd: CompressionTypes.ZSTD,
} as const satisfies Readonly<Record<Compression, kafkajs.CompressionTypes>>;

/**
 * kafkajs has one codec for each type in a process: what somebody else registered is used, unless
 * it only reads.
 */
function register(compression: 'lz4' | 'zstd'): void {
  const type = TYPES[compression];
  const codec = codecOf(compression);
  let known: { readonly compress?: unknown } | undefined;
  try {
    known = CompressionCodecs[type]() as typeof known;
  } catch {
    // Nobody registered one: kafkajs's own throws.
  }
  if (known?.compress === undefined) CompressionCodecs[type] = () => codec;
}

/**
 * Kafka, through one idempotent producer. The only file of the SDK that imports kafkajs.
 *
 * With one partition a failed send can be repeated as it is, and the broker recognises it. With
 * several kafkajs throws at the first that fails, forgets which others did not, and takes back the
 * sequence numbers of one broker's partitions but not of another's: so only what goes well is sent
 * together, and what failed is repeated one by one and marked, for the ledger to look it up. Nor
 * may kafkajs itself try again: what is still on its way to another broker it would send once
 * more, under new numbers and without a mark.
 */
export class KafkaTransport implements Transport {
  partitions = 0;
  readonly #kafka: Kafka;
  readonly #options: KafkaOptions;
  readonly #topic: string;
  readonly #compression: kafkajs.CompressionTypes;
  #connected: Promise<void> | undefined;
  /** Outlives its connections: it has the identity by which the broker knows repeats. */
  #producer: Producer | undefined;
  #closed = false;
  /** How many messages the client may still place, before it would begin anew. */
  #placesLeft = Infinity;

  constructor(options: KafkaOptions, topic: string, compression: Compression = 'none') {
    this.#compression = TYPES[compression];
    if (compression === 'lz4' || compression === 'zstd') register(compression);
    this.#options = options;
    this.#topic = topic;
    this.#kafka = new kafkajs.Kafka({
      brokers: [...options.brokers],
      clientId: options.clientId,
      connectionTimeout: options.connectionTimeoutMs,
      authenticationTimeout: options.connectionTimeoutMs,
      requestTimeout: options.requestTimeoutMs,
      enforceRequestTimeout: true,
      // Every broker of the list once; trying again is the sender's business.
      retry: { ...SEND_RETRY, retries: options.brokers.length },
      // Its lines repeat what the errors say.
      logLevel: logLevel.NOTHING,
      ...(options.ssl === undefined ? {} : { ssl: options.ssl }),
      ...(options.sasl === undefined ? {} : { sasl: options.sasl as SASLOptions }),
    });
  }

  connect(): Promise<void> {
    this.#connected ??= this.#open().catch((error: unknown) => {
      this.#connected = undefined;
      throw explain(error, { ...this.#options, topic: this.#topic });
    });
    return this.#connected;
  }

  async send(partition: number, messages: readonly OutboundMessage[]): Promise<SendOutcome> {
    const outcome = await this.#produce([{ partition, messages }]);
    if (outcome.status !== 'stored') return outcome;
    const [baseOffset] = outcome.baseOffsets;
    if (baseOffset !== undefined) return { status: 'stored', baseOffset };
    await this.#disconnect('and forget');
    return { status: 'no_such_partition' };
  }

  async sendTogether(batches: readonly PartitionBatch[]): Promise<TogetherOutcome> {
    this.#placesLeft = batches.reduce((sum, { messages }) => sum + messages.length, 0);
    const outcome = await this.#produce(batches);
    this.#placesLeft = Infinity;
    switch (outcome.status) {
      case 'stored': {
        const { baseOffsets } = outcome;
        if (baseOffsets.every((offset) => offset !== undefined))
          return { status: 'stored', baseOffsets };
        // Which of them are gone is found out one by one.
        return { status: 'failed', error: new Error('a partition is gone'), scope: 'partition' };
      }
      case 'refused':
        return { status: 'failed', error: outcome.error, scope: 'partition' };
      case 'failed':
        return outcome;
    }
  }

  /** Base offsets as the batches were given; undefined for a partition that is not there. */
  async #produce(
    batches: readonly PartitionBatch[],
  ): Promise<
    | { readonly status: 'stored'; readonly baseOffsets: readonly (number | undefined)[] }
    | Extract<SendOutcome, { status: 'refused' | 'failed' }>
  > {
    const producer = this.#producer;
    if (producer === undefined || this.#connected === undefined) {
      return { status: 'failed', error: disconnected(), scope: 'connection', repeatable: true };
    }
    try {
      const answers = await producer.send({
        topic: this.#topic,
        acks: -1,
        timeout: this.#options.requestTimeoutMs,
        compression: this.#compression,
        messages: batches.flatMap(({ partition, messages }) =>
          messages.map((message) => ({
            key: message.key,
            value: message.value,
            headers: headersOf(message),
            partition,
          })),
        ),
      });
      // kafkajs leaves out partitions without metadata, and resolves.
      const baseOffsets = batches.map(({ partition }) => {
        const answer = answers.find((each) => each.partition === partition);
        return answer && Number(answer.baseOffset ?? -1);
      });
      return { status: 'stored', baseOffsets };
    } catch (error) {
      if (this.#placesLeft >= 0) return this.#failure(error);
      // One leader has moved, or is gone: the others are still there, and so is the connection.
      return { status: 'failed', error: notTogether(), scope: 'partition', repeatable: true };
    }
  }

  rest(): Promise<void> {
    return this.#disconnect('for now');
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#disconnect('and forget');
  }

  async #open(): Promise<void> {
    if (this.#closed) throw disconnected();
    this.#producer ??= this.#newProducer();
    const producer = this.#producer;
    try {
      await producer.connect();
      this.partitions = await this.#countPartitions();
    } catch (error) {
      await putAway(producer);
      throw error;
    }
    // Closed meanwhile, by someone who could not put away what was not yet there.
    if (this.#producer !== producer) await putAway(producer);
  }

  #newProducer(): Producer {
    return this.#kafka.producer({
      idempotent: true,
      maxInFlightRequests: 1,
      // A misspelt topic must not become one, with one partition and a week's retention.
      allowAutoTopicCreation: false,
      createPartitioner: this.#partitioner,
      retry: SEND_RETRY,
    });
  }

  async #countPartitions(): Promise<number> {
    const admin = this.#kafka.admin({ retry: SEND_RETRY });
    try {
      await admin.connect();
      const { topics } = await admin.fetchTopicMetadata({ topics: [this.#topic] });
      return topics[0]?.partitions.length ?? 0;
    } finally {
      await putAway(admin);
    }
  }

  /** The sender has chosen; this only notices when the topic grows, and a second attempt. */
  readonly #partitioner: ICustomPartitioner =
    () =>
    ({ partitionMetadata, message }) => {
      this.partitions = Math.max(this.partitions, partitionMetadata.length);
      this.#placesLeft -= 1;
      if (this.#placesLeft < 0) throw notTogether();
      return message.partition ?? 0;
    };

  async #failure(thrown: unknown): Promise<Extract<SendOutcome, { status: 'refused' | 'failed' }>> {
    const { kind, repeatable } = classify(thrown);
    const error = explain(thrown, { ...this.#options, topic: this.#topic });
    if (kind === 'refused') return { status: 'refused', error };
    if (!repeatable) await this.#disconnect('and forget');
    // kafkajs keeps a connection on which nothing is ever answered; the next may work.
    else if (kind === 'connection') await this.#disconnect('for now');
    return { status: 'failed', error, scope: kind, repeatable };
  }

  /** The next `connect` opens connections anew: the same producer's, or those of a new one. */
  async #disconnect(how: 'for now' | 'and forget'): Promise<void> {
    const producer = this.#producer;
    this.#connected = undefined;
    if (how === 'and forget') this.#producer = undefined;
    if (producer !== undefined) await putAway(producer);
  }
}

function headersOf({ id, mayRepeat }: OutboundMessage): IHeaders {
  return mayRepeat ? { 'll-v': '1', 'll-id': id, 'll-dup': '1' } : { 'll-v': '1', 'll-id': id };
}

const disconnected = (): LedgerlineError =>
  new LedgerlineError('CLOSED', 'The connection to Kafka is closed.', {
    hint: 'Make a new ledger; a closed one stays closed.',
  });

const notTogether = (): Error => new Error('a part of what was sent together failed');

/** Putting away is done as well as can be: neither an error nor a hung broker may hold it up. */
const putAway = async (client: { disconnect(): Promise<void> }): Promise<void> => {
  await settlesWithin(
    client.disconnect().catch(() => undefined),
    DISCONNECT_TIMEOUT_MS,
  );
};
