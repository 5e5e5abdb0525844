/**
 * Where a consumer's work is taken out of kafkajs's hands. Its public commit always uses the *current* generation, so a
 * handler that has lost its partition could commit for the new owner; and it commits by itself when an
 * offset is out of range, which would erase an intent. Here every broker that the consumer can get hold
 * of is wrapped, so that
 *
 * - a commit is made once, with the generation under which the partition was assigned, or not at all;
 * - the broker's answer to the join is seen before the first fetch, and intents are read behind the fence,
 *   with heartbeats meanwhile;
 * - a join that fails half-way is made again, and a group is left also by who is just joining it;
 * - kafkajs asks for committed offsets itself only to know where to read: it is told, without a request;
 * - commits that kafkajs makes by itself are refused;
 * - Fetch responses are read by us, within bounds, and faster (fetch-response.ts).
 *
 * Two more things beyond kafkajs's published types are elsewhere: how its connections are mended, for producers
 * as well (schemas/kafka-connection.ts), and where the fetch of a batch began (group-member.ts).
 * test/consumers/fence.test.ts notices when a new kafkajs no longer works like this.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import type { Broker, Cluster, PartitionAssigner } from 'kafkajs';
import { type AskedOffset, decodeFetch, FETCH_API_KEY, FETCH_VERSION } from './fetch-response.ts';
import { withHeartbeats } from './heartbeats.ts';
import {
  METADATA_API_KEY,
  METADATA_VERSION,
  type TopicIdentity,
  decodeTopicMetadataResponse,
  encodeTopicMetadataRequest,
} from './topic-metadata.ts';

/** One membership in the group: what a commit must name to be accepted. */
export interface Session {
  readonly generationId: number;
  readonly memberId: string;
}

export interface Assignment extends Session {
  /** Partitions of the ledger's topic. */
  readonly partitions: readonly number[];
  /** The coordinator's connection, for reading behind the fence. */
  readonly coordinator: Broker;
  /** Aborted when the coordinator takes no heartbeat of the session any more. */
  readonly lost: AbortSignal;
}

/** Thrown by a listener that takes no part any more: its member leaves the group. */
export class Leaving extends Error {}

export interface GroupListener {
  /** How often the coordinator is to hear of the member while `assigned` takes its time. */
  readonly heartbeatIntervalMs: number;
  /**
   * Before each JoinGroup request: the last chance to finish what the old generation began. Throwing `Leaving` ends
   * the membership.
   */
  beforeJoin(): Promise<void>;
  /**
   * After SyncGroup and before the first fetch of the new generation. Answers where each partition is read
   * from. Throwing `Leaving` ends the membership; whatever else is thrown, the member joins again.
   */
  assigned(assignment: Assignment): Promise<ReadonlyMap<number, number>>;
}

interface CommitRequest {
  readonly groupId: string;
  readonly groupGenerationId: number;
  readonly memberId: string;
  readonly topics: {
    readonly topic: string;
    readonly partitions: {
      readonly partition: number;
      readonly offset: string;
      readonly metadata: string;
    }[];
  }[];
}

/** A request of kafkajs with the way its answer is read. */
interface Exchange {
  readonly request: { readonly apiKey: number; readonly apiVersion: number };
  readonly response: {
    decode(raw: Buffer): Promise<unknown>;
    parse(value: unknown): Promise<unknown>;
  };
}

interface Member {
  readonly groupId: string;
  readonly memberId: string;
}

interface HeartbeatRequest extends Member {
  readonly groupGenerationId: number;
}

interface SyncRequest extends Member {
  readonly generationId: number;
}

/** As kafkajs asks where to read from, and how it is answered. */
interface OffsetsRequest {
  readonly topics: readonly {
    readonly topic: string;
    readonly partitions: readonly { readonly partition: number }[];
  }[];
}
interface OffsetsAnswer {
  readonly responses: readonly {
    readonly topic: string;
    readonly partitions: readonly { readonly partition: number; readonly offset: string }[];
  }[];
}

interface FetchRequest {
  readonly topics: readonly {
    readonly topic: string;
    readonly partitions: readonly { readonly partition: number; readonly fetchOffset: string }[];
  }[];
}

/** What kafkajs does with its brokers, beyond its published types. */
interface GroupBroker extends Omit<Broker, 'fetch'> {
  fetch(request: FetchRequest): Promise<unknown>;
  joinGroup(request: Member): Promise<unknown>;
  syncGroup(request: SyncRequest): Promise<{ memberAssignment: Buffer }>;
  leaveGroup(request: Member): Promise<unknown>;
  heartbeat(request: HeartbeatRequest): Promise<unknown>;
  describeConfigs(request: {
    includeSynonyms: boolean;
    resources: { type: number; name: string; configNames: string[] }[];
  }): Promise<{ resources: { configEntries: { configValue: string }[] }[] }>;
  readonly connectionPool: {
    send(exchange: Exchange): Promise<unknown>;
  };
}

export interface FenceParts {
  readonly topic: string;
  readonly roundRobin: PartitionAssigner;
  readonly decodeAssignment: (bytes: Buffer) => { readonly [topic: string]: number[] };
  /** `undefined` for one who never joins. */
  readonly listener: GroupListener | undefined;
  /** Wraps the refusal in an error that kafkajs does not retry. */
  readonly refusal: (message: string) => Error;
}

/** Kafka's number for a topic among what has a configuration. */
const TOPIC_RESOURCE = 2;

/** The text of the crash that a refused commit of kafkajs's own ends in. */
const FOREIGN_COMMIT = 'offset commit not made by the delivery protocol';

export class Fence {
  readonly #parts: FenceParts;
  readonly #own = new WeakSet<object>();
  readonly #pending = new Set<Promise<unknown>>();
  readonly #wrapped = new WeakMap<Broker, Broker>();
  #cluster: Cluster | undefined;
  /**
   * From before JoinGroup until all that follows it is done. Where it fails half-way, kafkajs goes on to fetch, in
   * the new generation with what it had in the old one: it would own partitions that nobody reads. So meanwhile it is
   * answered that it has to join.
   */
  #joining = false;
  #joins = 0;
  /** The last that asked for an assignment. */
  #member: Member | undefined;
  /** Where the partitions of the last assignment are read from. */
  #positions: ReadonlyMap<number, number> = new Map();

  constructor(parts: FenceParts) {
    this.#parts = parts;
  }

  /** For kafkajs's `partitionAssigners`: the extension point that hands out its cluster. */
  readonly assigner: PartitionAssigner = (config) => {
    const { cluster } = config;
    const findBroker = cluster.findBroker.bind(cluster);
    cluster.findBroker = async (node) => this.#wrap(await findBroker(node));
    this.#cluster = cluster;
    return this.#parts.roundRobin(config);
  };

  /**
   * One attempt to commit, in the generation named. `make` runs in the same tick in which its request
   * is handed over, because a member that rejoins a stable group keeps its generation: where it throws,
   * nothing is sent.
   */
  async commit(groupId: string, make: () => Omit<CommitRequest, 'groupId'>): Promise<void> {
    const coordinator = await this.cluster.findGroupCoordinator({ groupId });
    const request = { groupId, ...make() };
    this.#own.add(request);
    const sent = coordinator.offsetCommit(request);
    this.#pending.add(sent);
    try {
      await sent;
    } finally {
      this.#pending.delete(sent);
    }
  }

  get cluster(): Cluster {
    if (!this.#cluster) throw new Error('The consumer has not been created yet');
    return this.#cluster;
  }

  #positionsFor({ topics }: OffsetsRequest): OffsetsAnswer {
    return {
      responses: topics.map(({ topic, partitions }) => ({
        topic,
        partitions: partitions.map(({ partition }) => {
          const position = this.#positions.get(partition);
          if (position === undefined) throw new Error(`Partition ${partition} was not assigned`);
          return { partition, offset: String(position) };
        }),
      })),
    };
  }

  /** To be told when kafkajs has ended a join. */
  joined(): void {
    this.#joining = false;
  }

  async #join(group: GroupBroker, listener: GroupListener, request: Member): Promise<unknown> {
    this.#joining = true;
    this.#joins++;
    // A kafkajs that crashed while it joined begins anew, as another member.
    const former = this.#member;
    this.#member = undefined;
    if (former && former.memberId !== request.memberId) await leave(group, former);
    try {
      await listener.beforeJoin();
    } catch (error) {
      if (error instanceof Leaving) await leave(group, request);
      throw error;
    }
    return group.joinGroup(request);
  }

  /** The request, and all that has to be done before the first fetch of the generation. */
  async #sync(broker: Broker, listener: GroupListener, request: SyncRequest) {
    const group = broker as unknown as GroupBroker;
    const response = await group.syncGroup(request).catch((error: unknown) => {
      throw isAnswer(error) ? error : joinAgain(error);
    });
    const { groupId, generationId, memberId } = request;
    const join = this.#joins;
    this.#member = { groupId, memberId };
    const beat = (): Promise<unknown> =>
      group.heartbeat({ groupId, memberId, groupGenerationId: generationId });
    try {
      await withHeartbeats(beat, listener.heartbeatIntervalMs, async (lost) => {
        // No commit of the old session may land after the intents are read.
        await Promise.allSettled(this.#pending);
        const assignment = this.#parts.decodeAssignment(response.memberAssignment);
        this.#positions = await listener.assigned({
          generationId,
          memberId,
          partitions: assignment[this.#parts.topic] ?? [],
          coordinator: broker,
          lost,
        });
      });
    } catch (error) {
      if (!(error instanceof Leaving)) throw joinAgain(error);
      // Another join of the same member may have been made meanwhile.
      if (join === this.#joins) await leave(group, request);
      throw error;
    }
    return response;
  }

  #wrap(broker: Broker): Broker {
    const known = this.#wrapped.get(broker);
    if (known) return known;
    const group = broker as unknown as GroupBroker;
    readFetches(group);
    const { listener } = this.#parts;
    const joining = listener && {
      joinGroup: (request: Member) => this.#join(group, listener, request),
      syncGroup: (request: SyncRequest) => this.#sync(broker, listener, request),
      heartbeat: (request: HeartbeatRequest) =>
        this.#joining ? Promise.reject(joinAgain('the join has failed')) : group.heartbeat(request),
      offsetFetch: (request: OffsetsRequest) => Promise.resolve(this.#positionsFor(request)),
    };
    const overrides: Partial<Record<string | symbol, unknown>> = {
      ...joining,
      offsetCommit: (request: CommitRequest) => {
        if (!this.#own.has(request)) return Promise.reject(this.#parts.refusal(FOREIGN_COMMIT));
        return group.offsetCommit(request);
      },
      fetch: (request: FetchRequest) =>
        this.#joining
          ? Promise.reject(joinAgain('the join has failed'))
          : fetching.run(offsetsIn(request), () => group.fetch(request)),
    };
    const wrapped = new Proxy(broker, {
      get(target, property) {
        const override = overrides[property];
        if (override !== undefined) return override;
        const value: unknown = Reflect.get(target, property, target);
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
    this.#wrapped.set(broker, wrapped);
    this.#wrapped.set(wrapped, wrapped);
    return wrapped;
  }
}

/** What kafkajs joins again after. */
const joinAgain = (cause: unknown): Error =>
  Object.assign(new Error(cause instanceof Error ? cause.message : String(cause), { cause }), {
    type: 'REBALANCE_IN_PROGRESS',
  });

/** kafkajs leaves no group that it is just joining. */
async function leave(group: GroupBroker, { groupId, memberId }: Member): Promise<void> {
  if (memberId !== '') await group.leaveGroup({ groupId, memberId }).catch(() => undefined);
}

/** Whether the broker itself has answered so. */
const isAnswer = (error: unknown): boolean => error instanceof Error && 'type' in error;

/** The offsets that the Fetch under way asks for: its answer does not say, and kafkajs keeps them to itself. */
const fetching = new AsyncLocalStorage<AskedOffset>();

function offsetsIn({ topics }: FetchRequest): AskedOffset {
  return (topic, partition) => {
    const asked = topics
      .find((one) => one.topic === topic)
      ?.partitions.find((one) => one.partition === partition);
    if (!asked)
      throw new Error(`Kafka answers with partition ${partition}, which was not asked for`);
    return Number(asked.fetchOffset);
  };
}

/** Has Fetch responses read by our decoder, and by kafkajs's own where it leaves one to it. */
function readFetches({ connectionPool }: GroupBroker): void {
  const send = connectionPool.send.bind(connectionPool);
  let turn = 0;
  connectionPool.send = (exchange) => {
    const { request, response } = exchange;
    const asked = fetching.getStore();
    if (request.apiKey !== FETCH_API_KEY || request.apiVersion !== FETCH_VERSION || !asked) {
      return send(exchange);
    }
    return send({
      ...exchange,
      response: {
        decode: async (raw) => (await decodeFetch(raw, asked, turn++)) ?? response.decode(raw),
        parse: (value) => response.parse(value),
      },
    });
  };
}

/** Whether the topic keeps only the newest message of each key. */
export async function isCompacted(broker: Broker, topic: string): Promise<boolean> {
  const { resources } = await (broker as unknown as GroupBroker).describeConfigs({
    includeSynonyms: false,
    resources: [{ type: TOPIC_RESOURCE, name: topic, configNames: ['cleanup.policy'] }],
  });
  return (resources[0]?.configEntries ?? []).some(({ configValue }) =>
    configValue.includes('compact'),
  );
}

/** The topic's id, asked on a connection of kafkajs, which itself does not speak that version. */
export const fetchTopicId = (broker: Broker, topic: string): Promise<TopicIdentity> =>
  askRaw(broker, {
    name: 'Metadata',
    apiKey: METADATA_API_KEY,
    apiVersion: METADATA_VERSION,
    body: encodeTopicMetadataRequest(topic),
    decode: decodeTopicMetadataResponse,
  });

/** A request that kafkajs does not know, sent on its connection. */
export async function askRaw<T>(
  broker: Broker,
  question: {
    readonly name: string;
    readonly apiKey: number;
    readonly apiVersion: number;
    readonly body: Buffer;
    decode(answer: Buffer): T;
  },
): Promise<T> {
  const { name, apiKey, apiVersion, body } = question;
  const request = {
    apiKey,
    apiVersion,
    apiName: name,
    // All that kafkajs asks of an encoder when it writes a request.
    encode: () => Promise.resolve({ buf: body, buffer: body }),
  };
  const answer = await (broker as unknown as GroupBroker).connectionPool.send({
    request,
    response: {
      decode: (raw) => Promise.resolve(question.decode(raw)),
      parse: (value) => Promise.resolve(value),
    },
  });
  return answer as T;
}
