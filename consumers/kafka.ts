/**
 * The only place of the consuming side that imports kafkajs: how a client of it is made, and what the
 * rest needs of it.
 */
import { createRequire } from 'node:module';
import type { ConnectionOptions } from 'node:tls';
import kafkajs, { type Kafka, type SASLOptions } from 'kafkajs';
import { mendConnections } from '../schemas/kafka-connection.ts';
import type { KafkaSecurity } from '../schemas/index.ts';
import { RESPONSE_BYTES } from './allowance.ts';
import { unpackWhole } from './decompress.ts';
import { Fence, type GroupListener } from './fence.ts';

// A CommonJS package, not all of whose names Node can see as exports.
const { AssignerProtocol, CompressionCodecs, CompressionTypes } = kafkajs;
const { KafkaJSNonRetriableError, PartitionAssigners } = kafkajs;
export const { ConfigResourceTypes } = kafkajs;

mendConnections(createRequire(import.meta.url));

const { GZIP, Snappy, LZ4, ZSTD } = CompressionTypes;
const COMPRESSIONS = [GZIP, Snappy, LZ4, ZSTD] as const;

// For formats before 2, which kafkajs reads. One codec for each type serves the whole process: what compresses stays.
for (const type of COMPRESSIONS) {
  const codec = Object.create(codecOf(type)) as object;
  const decompress = (packed: Buffer): Promise<Buffer> => unpackWhole(type, packed, RESPONSE_BYTES);
  CompressionCodecs[type] = () => Object.assign(codec, { decompress });
}

function codecOf(type: (typeof COMPRESSIONS)[number]): object | null {
  try {
    return CompressionCodecs[type]() as object;
  } catch {
    // Nobody registered one: kafkajs's own throws.
    return null;
  }
}

export interface KafkaOptions extends KafkaSecurity {
  readonly brokers: readonly string[];
  readonly topic: string;
  readonly group: string;
  readonly clientId: string;
  readonly connectionTimeoutMs: number;
  readonly requestTimeoutMs: number;
}

export function connectKafka(options: KafkaOptions, retries = 8): Kafka {
  return new kafkajs.Kafka({
    clientId: options.clientId,
    brokers: [...options.brokers],
    ...(options.ssl === undefined ? {} : { ssl: tlsOptions(options.ssl) }),
    ...(options.sasl === undefined ? {} : { sasl: options.sasl as SASLOptions }),
    connectionTimeout: options.connectionTimeoutMs,
    authenticationTimeout: options.connectionTimeoutMs,
    requestTimeout: options.requestTimeoutMs,
    // Its lines repeat what the worker logs, and may quote messages.
    logLevel: kafkajs.logLevel.NOTHING,
    // Named in full, because kafkajs swaps its defaults under NODE_ENV=test.
    retry: { initialRetryTime: 100, maxRetryTime: 2_000, multiplier: 2, factor: 0.2, retries },
  });
}

/** Without what is not given: Node takes `undefined` for a certificate that is missing. */
const tlsOptions = (ssl: NonNullable<KafkaSecurity['ssl']>): true | ConnectionOptions =>
  ssl === true
    ? true
    : Object.fromEntries(Object.entries(ssl).filter(([, pem]) => pem !== undefined));

/** A fence around the consumer that is created with its `assigner`; without a listener it never joins. */
export function fenceFor(topic: string, listener?: GroupListener): Fence {
  return new Fence({
    topic,
    listener,
    roundRobin: PartitionAssigners.roundRobin,
    decodeAssignment: (bytes) => AssignerProtocol.MemberAssignment.decode(bytes)?.assignment ?? {},
    refusal: (message) => new KafkaJSNonRetriableError(message),
  });
}
