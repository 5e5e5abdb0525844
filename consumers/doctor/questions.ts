/**
 * What only Kafka's own protocol tells, and kafkajs does not ask: which version the cluster speaks, what
 * this user may do, and what time it is there. All of them only read. Bytes in, values out; layouts from
 * https://kafka.apache.org/protocol.
 */
import { compactString, unsignedVarint, WireReader } from '../kafka-wire.ts';

export interface Question<T> {
  readonly name: string;
  readonly apiKey: number;
  readonly apiVersion: number;
  readonly body: Buffer;
  decode(answer: Buffer): T;
}

const NO_TAGS = Buffer.from([0]);
const TRUE = Buffer.from([1]);
const FALSE = Buffer.from([0]);

/** Bits of an authorized-operations field, by the numbers of AclOperation. */
export const OPERATION = { read: 3, write: 4, describe: 8, describeConfigs: 10 } as const;
export type Operation = keyof typeof OPERATION;
export const allows = (operations: number, operation: Operation): boolean =>
  (operations & (1 << OPERATION[operation])) !== 0;

export interface ClusterVersion {
  /** The cluster's `metadata.version`; `undefined` where there is none (ZooKeeper). */
  readonly metadataVersion: number | undefined;
}

export const askVersion: Question<ClusterVersion> = {
  name: 'ApiVersions',
  apiKey: 18,
  apiVersion: 3,
  body: Buffer.concat([NO_TAGS, compactString('ledgerline'), compactString('1'), NO_TAGS]),
  decode(answer) {
    const from = new WireReader(answer);
    from.skip(2); // error_code; the header of this answer has no tagged fields
    from.compactArray(() => {
      from.skip(6); // api_key, min_version, max_version
      from.tags();
    });
    from.skip(4); // throttle_time_ms
    let metadataVersion: number | undefined;
    from.tags((tag, field) => {
      if (tag !== FINALIZED_FEATURES) return;
      field.compactArray(() => {
        const feature = field.compactString();
        const level = field.int16();
        field.skip(2); // min_version_level
        field.tags();
        if (feature === 'metadata.version') metadataVersion = level;
      });
    });
    return { metadataVersion };
  },
};
const FINALIZED_FEATURES = 2;

export interface TopicReplicas {
  readonly errorCode: number;
  readonly partitions: readonly {
    readonly partition: number;
    readonly leader: number;
    readonly replicas: number;
    readonly inSync: number;
  }[];
  /** What this user may do with the topic, as bits. */
  readonly operations: number;
}

export const askTopic = (topic: string): Question<TopicReplicas> => ({
  name: 'Metadata',
  apiKey: 3,
  apiVersion: 12,
  body: Buffer.concat([
    NO_TAGS,
    unsignedVarint(2), // one topic
    Buffer.alloc(16), // asked for by name
    compactString(topic),
    NO_TAGS,
    FALSE, // allow_auto_topic_creation
    TRUE, // include_topic_authorized_operations
    NO_TAGS,
  ]),
  decode(answer) {
    const from = new WireReader(answer);
    from.tags();
    from.skip(4); // throttle_time_ms
    from.compactArray(() => {
      from.skip(4); // node_id
      from.compactString(); // host
      from.skip(4); // port
      from.compactString(); // rack
      from.tags();
    });
    from.compactString(); // cluster_id
    from.skip(4); // controller_id
    from.unsignedVarint(); // one topic
    const errorCode = from.int16();
    from.compactString(); // name
    from.skip(17); // topic_id, is_internal
    const partitions = from.compactArray(() => {
      from.skip(2); // error_code
      const partition = from.int32();
      const leader = from.int32();
      from.skip(4); // leader_epoch
      const [replicas, inSync] = [nodes(from), nodes(from)];
      nodes(from); // offline_replicas
      from.tags();
      return { partition, leader, replicas, inSync };
    });
    return { errorCode, partitions, operations: from.int32() };
  },
});

const nodes = (from: WireReader): number => from.compactArray(() => from.int32()).length;

export interface GroupRights {
  readonly errorCode: number;
  readonly state: string;
  readonly members: number;
  readonly operations: number;
}

export const askGroup = (group: string): Question<GroupRights> => ({
  name: 'DescribeGroups',
  apiKey: 15,
  apiVersion: 5,
  body: Buffer.concat([NO_TAGS, unsignedVarint(2), compactString(group), TRUE, NO_TAGS]),
  decode(answer) {
    const from = new WireReader(answer);
    from.tags();
    from.skip(4); // throttle_time_ms
    from.unsignedVarint(); // one group
    const errorCode = from.int16();
    from.compactString(); // group_id
    const state = from.compactString();
    from.compactString(); // protocol_type
    from.compactString(); // protocol_data
    const { length: members } = from.compactArray(() => {
      // member_id, group_instance_id, client_id, client_host, metadata, assignment
      for (let field = 0; field < 6; field++) from.compactString();
      from.tags();
    });
    return { errorCode, state, members, operations: from.int32() };
  },
});

export interface ControllerClock {
  readonly errorCode: number;
  /** Milliseconds since 1970, by the controller that leads; `undefined` where it does not say. */
  readonly nowMs: number | undefined;
}

/** The leading controller answers with its own clock where followers have the time of their last fetch. */
export const askClock: Question<ControllerClock> = {
  name: 'DescribeQuorum',
  apiKey: 55,
  apiVersion: 1,
  body: Buffer.concat([
    NO_TAGS,
    unsignedVarint(2), // one topic
    compactString('__cluster_metadata'),
    unsignedVarint(2), // one partition
    Buffer.alloc(4), // partition_index 0
    NO_TAGS,
    NO_TAGS,
    NO_TAGS,
  ]),
  decode(answer) {
    const from = new WireReader(answer);
    from.tags();
    const errorCode = from.int16();
    let nowMs: number | undefined;
    from.compactArray(() => {
      from.compactString(); // topic_name
      from.compactArray(() => {
        from.skip(6); // partition_index, error_code
        const leader = from.int32();
        from.skip(12); // leader_epoch, high_watermark
        const voter = (): void => {
          const replica = from.int32();
          from.skip(8); // log_end_offset
          const fetched = from.int64();
          from.skip(8); // last_caught_up_timestamp
          from.tags();
          if (replica === leader && fetched > 0) nowMs = fetched;
        };
        from.compactArray(voter);
        from.compactArray(voter); // observers
        from.tags();
      });
      from.tags();
    });
    return { errorCode, nowMs };
  },
};
