/**
 * The committed offsets of a group, as one who is no member of it reads and writes them. Kafka takes such a
 * commit only while the group has no members, and that is the fence: whoever commits for the group next has
 * to join it first, and reads at its join what was written here.
 * https://kafka.apache.org/protocol#The_Messages_OffsetCommit: generation -1, no member.
 */
import type { Broker } from 'kafkajs';
import { pause } from '../backoff.ts';
import { beforeDeadline } from '../deadline.ts';
import { explainKafka } from '../kafka-errors.ts';
import type { KafkaOptions } from '../kafka.ts';
import { type Outsider, outsider } from '../outsider.ts';
import { WorkerError } from '../worker-error.ts';
import type { FencedPartition } from './record.ts';

/** What kafkajs's brokers can do beyond its published types. */
interface GroupBroker extends Broker {
  leaveGroup(request: { groupId: string; memberId: string }): Promise<unknown>;
}

const CONNECT_DEADLINE_MS = 10_000;
const TAKE_DEADLINE_MS = 60_000;
/** Answers while somebody is a member, or is just coming or going. */
const HAS_MEMBERS = new Set([
  'UNKNOWN_MEMBER_ID',
  'ILLEGAL_GENERATION',
  'REBALANCE_IN_PROGRESS',
  'NOT_COORDINATOR_FOR_GROUP',
  'GROUP_LOAD_IN_PROGRESS',
]);

export class GroupOffsets {
  readonly #topic: string;
  readonly #group: string;
  readonly #outsider: Outsider;

  private constructor({ topic, group }: KafkaOptions, connections: Outsider) {
    this.#topic = topic;
    this.#group = group;
    this.#outsider = connections;
  }

  static async open(options: KafkaOptions): Promise<GroupOffsets> {
    const connections = outsider(options, 3);
    try {
      await beforeDeadline(connections.connect(), CONNECT_DEADLINE_MS);
    } catch (error) {
      void connections.close();
      throw explainKafka(error, options);
    }
    return new GroupOffsets(options, connections);
  }

  close(): Promise<void> {
    return this.#outsider.close();
  }

  /** Of each partition; what was never committed is offset -1. */
  async read(partitions: readonly number[]): Promise<FencedPartition[]> {
    const coordinator = await this.#coordinator();
    const { responses } = await coordinator.offsetFetch({
      groupId: this.#group,
      topics: [
        {
          topic: this.#topic,
          partitions: partitions.map((partition) => ({ partition })) as {
            partition: number;
            offset: string;
          }[],
        },
      ],
    });
    return (responses[0]?.partitions ?? [])
      .map((one) => ({
        partition: one.partition,
        offset: Number(one.offset),
        metadata: (one as typeof one & { metadata: string | null }).metadata ?? '',
      }))
      .sort((a, b) => a.partition - b.partition);
  }

  /** How many members the group has just now. */
  async members(): Promise<readonly string[]> {
    const coordinator = await this.#coordinator();
    const answer = (await coordinator.describeGroups({ groupIds: [this.#group] })) as {
      groups: readonly { members: readonly { memberId: string }[] }[];
    };
    return (answer.groups[0]?.members ?? []).map(({ memberId }) => memberId);
  }

  /**
   * Commits for all partitions in one request, which the broker takes only while the group is empty. With
   * `evict`, whoever is a member is first made to leave; it joins again by itself, and finds what stands here.
   *
   * @throws WorkerError REBUILD_REFUSED when the group does not become empty within a minute
   */
  async write(partitions: readonly FencedPartition[], evict: boolean): Promise<void> {
    const deadline = Date.now() + TAKE_DEADLINE_MS;
    for (;;) {
      if (evict) await this.#evict();
      try {
        await this.#outsider.fence.commit(this.#group, () => ({
          groupGenerationId: -1,
          memberId: '',
          topics: [
            {
              topic: this.#topic,
              partitions: partitions.map(({ partition, offset, metadata }) => ({
                partition,
                offset: String(offset),
                metadata,
              })),
            },
          ],
        }));
        return;
      } catch (error) {
        const { type } = error as { type?: string };
        if (type === undefined || !HAS_MEMBERS.has(type)) throw error;
        if (Date.now() > deadline) {
          throw new WorkerError(
            'REBUILD_REFUSED',
            `The group ${this.#group} does not become empty: others commit for it.`,
            { hint: 'Stop its workers, and run this again.', cause: error },
          );
        }
        await pause(20, AbortSignal.timeout(1_000));
      }
    }
  }

  async #evict(): Promise<void> {
    const coordinator = (await this.#coordinator()) as GroupBroker;
    for (const memberId of await this.members()) {
      // One that has left by itself meanwhile is gone all the same.
      await coordinator.leaveGroup({ groupId: this.#group, memberId }).catch(() => undefined);
    }
  }

  #coordinator(): Promise<Broker> {
    return this.#outsider.fence.cluster.findGroupCoordinator({ groupId: this.#group });
  }
}
