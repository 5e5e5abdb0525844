/** A member of a worker group that writes down everything that happens to it. */
import kafkajs, { type Assigner } from 'kafkajs';
import { GroupMember, type AssignedPartition } from '../../consumers/group-member.ts';
import type { Assignment } from '../../consumers/fence.ts';
import { until } from '../support/until.ts';

export type Sighting =
  | { readonly what: 'before join' }
  | { readonly what: 'assigned'; readonly generation: number; readonly partitions: number[] }
  | { readonly what: 'messages'; readonly partition: number; readonly offsets: number[] }
  | { readonly what: 'skipped'; readonly partition: number; readonly lastOffset: number }
  | { readonly what: 'unanswered'; readonly error: Error }
  | { readonly what: 'crashed'; readonly error: Error; readonly restarts: boolean };

export class GroupWatcher {
  readonly seen: Sighting[] = [];
  readonly member: GroupMember;
  readonly #topic: string;
  readonly #group: string;
  /** What the next takeover fails with. */
  failure: Error | undefined;
  /** Next offset expected of each partition, as a worker's backlog expects it. */
  readonly next = new Map<number, number>();
  #assignment: Assignment | undefined;
  #topicId = '';
  #partitions: readonly AssignedPartition[] = [];

  constructor(brokers: readonly string[], topic: string, group: string) {
    this.#topic = topic;
    this.#group = group;
    this.member = new GroupMember(
      {
        brokers,
        topic,
        group,
        clientId: 'fence-test',
        connectionTimeoutMs: 3_000,
        requestTimeoutMs: 15_000,
        sessionTimeoutMs: 10_000,
        heartbeatIntervalMs: 200,
        rebalanceTimeoutMs: 20_000,
        maxWaitMs: 100,
        maxBytesPerPartition: 1 << 20,
        maxBytes: 1 << 20,
      },
      {
        beforeJoin: () => {
          this.seen.push({ what: 'before join' });
          return Promise.resolve();
        },
        assigned: (session, topicId, partitions) => {
          const { failure } = this;
          this.failure = undefined;
          if (failure) return Promise.reject(failure);
          // What the fence hands over is the whole assignment, with the coordinator's connection.
          this.#assignment = session as Assignment;
          this.#topicId = topicId;
          this.#partitions = partitions;
          this.seen.push({
            what: 'assigned',
            generation: session.generationId,
            partitions: partitions.map(({ partition }) => partition).sort((a, b) => a - b),
          });
          this.next.clear();
          for (const { partition, committed, low } of partitions) {
            this.next.set(partition, committed ?? low);
          }
          return Promise.resolve(new Map(this.next));
        },
        messages: (partition, fetchedOffset, lastOffset, messages) => {
          const expected = this.next.get(partition);
          if (expected !== fetchedOffset) return expected;
          const offsets = messages.map(({ offset }) => Number(offset));
          this.seen.push({ what: 'messages', partition, offsets });
          this.next.set(partition, lastOffset + 1);
          return undefined;
        },
        skipped: (partition, lastOffset) => {
          this.seen.push({ what: 'skipped', partition, lastOffset });
          if (lastOffset >= (this.next.get(partition) ?? 0))
            this.next.set(partition, lastOffset + 1);
        },
        unanswered: (error) => this.seen.push({ what: 'unanswered', error }),
        crashed: (error, restarts) => this.seen.push({ what: 'crashed', error, restarts }),
      },
    );
  }

  /** Its next SyncGroup request is answered so, without being sent. */
  failSync(error: Error): void {
    const broker = this.assignment.coordinator as unknown as { syncGroup?: unknown };
    broker.syncGroup = () => {
      delete broker.syncGroup;
      return Promise.reject(error);
    };
  }

  get assignment(): Assignment {
    if (!this.#assignment) throw new Error('Not assigned yet');
    return this.#assignment;
  }
  get topicId(): string {
    return this.#topicId;
  }
  get partitions(): readonly AssignedPartition[] {
    return this.#partitions;
  }

  of<What extends Sighting['what']>(what: What): Extract<Sighting, { what: What }>[] {
    return this.seen.filter((one): one is Extract<Sighting, { what: What }> => one.what === what);
  }

  /** Offsets of messages, in the order in which they came. */
  get offsets(): number[] {
    return this.of('messages').flatMap(({ offsets }) => offsets);
  }

  async sees(what: string, holds: () => boolean, timeoutMs = 15_000): Promise<void> {
    await until(what, () => Promise.resolve(this.seen.length), holds, timeoutMs);
  }

  commit(partition: number, offset: number, metadata: string, check: () => void = () => undefined) {
    return this.member.commit(this.assignment, partition, offset, metadata, check);
  }

  /** A JoinGroup request with the id it has, as kafkajs sends one after a failed heartbeat. */
  async joinAgain(): Promise<number> {
    const { coordinator, memberId } = this.assignment;
    const joining = coordinator as unknown as {
      joinGroup(request: object): Promise<{ generationId: number }>;
    };
    const assigner = kafkajs.PartitionAssigners.roundRobin as (config: object) => Assigner;
    const { generationId } = await joining.joinGroup({
      groupId: this.#group,
      sessionTimeout: 10_000,
      rebalanceTimeout: 20_000,
      memberId,
      groupProtocols: [assigner({}).protocol({ topics: [this.#topic] })],
    });
    return generationId;
  }
}
