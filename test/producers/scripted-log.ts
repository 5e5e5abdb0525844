import type {
  OutboundMessage,
  PartitionBatch,
  SendOutcome,
  TogetherOutcome,
  Transport,
} from '../../producers/transport.ts';

/** What goes wrong with one call. `none`: nothing. */
export const FAULTS = [
  'none',
  'refuses_connection',
  'loses_request',
  'loses_answer',
  'partition_unavailable',
  'forgets_producer',
  'forgets_producer_after_writing',
  'grows',
] as const;
export type Fault = (typeof FAULTS)[number];

interface Copy {
  readonly id: string;
  readonly key: string;
  readonly flagged: boolean;
}

interface Appended {
  readonly sequence: number;
  readonly count: number;
  readonly baseOffset: number;
}

/**
 * A partitioned log that goes wrong as told, with a broker's memory: repeats are recognised by
 * producer and sequence number, *never by their content*, and a gap in the numbers is an error.
 * Like kafkajs it takes a batch's numbers back when the send fails.
 */
export class ScriptedLog implements Transport {
  partitions = 3;
  readonly log = new Map<number, Copy[]>();
  readonly poisoned = new Set<string>();
  readonly #script: Fault[];
  readonly #sequence = new Map<number, number>();
  readonly #appended = new Map<number, Appended>();
  #connected = false;

  constructor(script: readonly Fault[]) {
    this.#script = [...script];
  }

  connect(): Promise<void> {
    if (this.#connected) return Promise.resolve();
    if (this.#script[0] === 'refuses_connection') {
      this.#script.shift();
      return Promise.reject(new Error('connection refused'));
    }
    this.#connected = true;
    return Promise.resolve();
  }

  send(partition: number, messages: readonly OutboundMessage[]): Promise<SendOutcome> {
    return Promise.resolve(this.#answer(partition, messages));
  }

  sendTogether(batches: readonly PartitionBatch[]): Promise<TogetherOutcome> {
    return Promise.resolve(this.#answerTogether(batches));
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  /**
   * Where it fails, every second batch's broker has taken it and the numbers stay; the others are
   * one broker's, which took them and whose numbers are taken back, or did not.
   */
  #answerTogether(batches: readonly PartitionBatch[]): TogetherOutcome {
    const fault = this.#script.shift() ?? 'none';
    if (fault === 'refuses_connection' || fault === 'loses_request') return failed('connection');
    if (fault === 'grows') this.partitions += 1;
    const outcomes = batches.map(({ partition, messages }, index) => {
      if (fault === 'partition_unavailable' && index === 1) return failed('partition');
      const outcome = this.#append(partition, messages);
      const keepsNumbers = fault === 'none' || fault === 'grows' || index % 2 === 1;
      if (outcome.status === 'stored' && !keepsNumbers) this.#takeBack(partition, messages.length);
      return outcome;
    });
    if (fault.startsWith('forgets')) this.#forget();
    if (fault === 'loses_answer') return failed('connection');
    if (fault !== 'none' && fault !== 'grows') return failed('partition');
    const baseOffsets = outcomes.flatMap((each) =>
      each.status === 'stored' ? [each.baseOffset] : [],
    );
    return baseOffsets.length === batches.length
      ? { status: 'stored', baseOffsets }
      : failed('partition');
  }

  #answer(partition: number, messages: readonly OutboundMessage[]): SendOutcome {
    const fault = this.#script.shift() ?? 'none';
    switch (fault) {
      case 'none':
        return this.#append(partition, messages);
      case 'grows':
        this.partitions += 1;
        return this.#append(partition, messages);
      case 'refuses_connection':
      case 'loses_request':
        return failed('connection');
      case 'loses_answer': {
        const outcome = this.#append(partition, messages);
        if (outcome.status !== 'stored') return outcome;
        this.#takeBack(partition, messages.length);
        return failed('connection');
      }
      case 'partition_unavailable':
        return failed('partition');
      case 'forgets_producer':
        return this.#forget();
      case 'forgets_producer_after_writing': {
        const outcome = this.#append(partition, messages);
        return outcome.status === 'stored' ? this.#forget() : outcome;
      }
    }
  }

  #append(partition: number, messages: readonly OutboundMessage[]): SendOutcome {
    if (messages.some(({ id }) => this.poisoned.has(id))) {
      return { status: 'refused', error: new Error('MESSAGE_TOO_LARGE') };
    }
    const sequence = this.#sequence.get(partition) ?? 0;
    const last = this.#appended.get(partition);
    if (last?.sequence === sequence && last.count === messages.length) {
      this.#sequence.set(partition, sequence + messages.length);
      return { status: 'stored', baseOffset: last.baseOffset };
    }
    if (sequence !== (last === undefined ? 0 : last.sequence + last.count)) return this.#forget();
    const copies = this.log.get(partition) ?? [];
    this.log.set(partition, copies);
    const baseOffset = copies.length;
    for (const { id, key, mayRepeat } of messages) copies.push({ id, key, flagged: mayRepeat });
    this.#appended.set(partition, { sequence, count: messages.length, baseOffset });
    this.#sequence.set(partition, sequence + messages.length);
    return { status: 'stored', baseOffset };
  }

  #takeBack(partition: number, count: number): void {
    this.#sequence.set(partition, (this.#sequence.get(partition) ?? 0) - count);
  }

  #forget(): SendOutcome {
    this.#connected = false;
    this.#sequence.clear();
    this.#appended.clear();
    return { ...failed('partition'), repeatable: false };
  }
}

const failed = (scope: 'partition' | 'connection') =>
  ({ status: 'failed', error: new Error(scope), scope, repeatable: true }) as const;
