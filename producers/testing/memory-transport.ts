import { decodeRow, type AuditEvent } from '../../schemas/index.ts';
import type {
  OutboundMessage,
  PartitionBatch,
  SendOutcome,
  TogetherOutcome,
  Transport,
} from '../transport.ts';

/** A message as the log would have it. */
export interface StoredMessage {
  readonly partition: number;
  readonly offset: number;
  readonly id: string;
  readonly key: string;
  /** The wire row, as JSON text. */
  readonly value: string;
  /** It was sent with `ll-dup`: the ledger would look its id up and store it once. */
  readonly mayRepeat: boolean;
}

/**
 * A log in memory in place of Kafka, for the tests of services that use Ledgerline. It behaves
 * like the real one where a service can see it: offsets per partition, batches, outages.
 */
export class MemoryTransport implements Transport {
  readonly partitions: number;
  readonly messages: StoredMessage[] = [];
  /** How many messages each send carried, in order. */
  readonly batchSizes: number[] = [];
  readonly #nextOffset = new Map<number, number>();
  #refuses: (message: OutboundMessage) => boolean = () => false;
  #down: Error | undefined;
  #hanging: { readonly until: Promise<void>; readonly end: () => void } | undefined;
  #closed = false;

  constructor(partitions: number) {
    this.partitions = partitions;
  }

  /** Everything stored so far, as events, in the order it arrived. */
  events(): AuditEvent[] {
    return this.messages.map(({ value }) => decodeRow(value));
  }

  /** Whether the transport was closed. */
  get closed(): boolean {
    return this.#closed;
  }

  /** Connections are refused until {@link recover}. */
  fail(error: Error = new Error('the broker is away')): void {
    this.#down = error;
  }

  /** Requests go unanswered until {@link recover}. */
  hang(): void {
    if (this.#hanging !== undefined) return;
    let end: () => void = () => undefined;
    const until = new Promise<void>((resolve) => {
      end = resolve;
    });
    this.#hanging = { until, end };
  }

  /** Refuses, for good, the messages that this says yes to; their neighbours are stored. */
  refuse(refuses: (message: OutboundMessage) => boolean): void {
    this.#refuses = refuses;
  }

  /** Ends {@link fail}, {@link hang} and {@link refuse}. */
  recover(): void {
    this.#down = undefined;
    this.#refuses = () => false;
    this.#hanging?.end();
    this.#hanging = undefined;
  }

  async connect(): Promise<void> {
    await this.#hanging?.until;
    if (this.#closed) throw new Error('the transport is closed');
    if (this.#down !== undefined) throw this.#down;
  }

  async send(partition: number, messages: readonly OutboundMessage[]): Promise<SendOutcome> {
    await this.#hanging?.until;
    const error = this.#closed ? new Error('the transport is closed') : this.#down;
    if (error !== undefined) {
      return { status: 'failed', error, scope: 'connection', repeatable: true };
    }
    if (messages.some(this.#refuses)) {
      return { status: 'refused', error: new Error('MESSAGE_TOO_LARGE') };
    }
    this.batchSizes.push(messages.length);
    return { status: 'stored', baseOffset: this.#append(partition, messages) };
  }

  async sendTogether(batches: readonly PartitionBatch[]): Promise<TogetherOutcome> {
    await this.#hanging?.until;
    const error = this.#closed ? new Error('the transport is closed') : this.#down;
    if (error !== undefined) return { status: 'failed', error, scope: 'connection' };
    const all = batches.flatMap(({ messages }) => messages);
    if (all.some(this.#refuses)) {
      return { status: 'failed', error: new Error('MESSAGE_TOO_LARGE'), scope: 'partition' };
    }
    this.batchSizes.push(all.length);
    return {
      status: 'stored',
      baseOffsets: batches.map(({ partition, messages }) => this.#append(partition, messages)),
    };
  }

  #append(partition: number, messages: readonly OutboundMessage[]): number {
    const baseOffset = this.#nextOffset.get(partition) ?? 0;
    this.#nextOffset.set(partition, baseOffset + messages.length);
    messages.forEach(({ id, key, value, mayRepeat }, index) => {
      const offset = baseOffset + index;
      this.messages.push({ partition, offset, id, key, value: value.toString(), mayRepeat });
    });
    return baseOffset;
  }

  close(): Promise<void> {
    this.#closed = true;
    this.#hanging?.end();
    return Promise.resolve();
  }
}

/**
 * A ledger's transport that keeps everything in memory.
 *
 * @example
 * const transport = memoryTransport();
 * const ledger = createLedger({ service: 'shop', catalog, transport });
 * await shop.deploy(ledger);
 * await ledger.close();
 * transport.events(); // [{ type: 'app.deployed', actor: { type: 'user', id: 'u_7' }, … }]
 */
export const memoryTransport = ({ partitions = 4 }: { readonly partitions?: number } = {}) =>
  new MemoryTransport(partitions);
