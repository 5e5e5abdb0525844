/**
 * Kafka's Metadata request, version 12: the first that tells a topic's id, which kafkajs (up to version
 * 6 of it) does not ask for. Bytes in, bytes out; layout from the protocol guide
 * (https://kafka.apache.org/protocol#The_Messages_Metadata).
 */

import { unsignedVarint, WireReader } from './kafka-wire.ts';

export const METADATA_API_KEY = 3;
export const METADATA_VERSION = 12;

export interface TopicIdentity {
  /** As a UUID, e.g. `0c8d7f8e-…`. */
  readonly topicId: string;
  readonly errorCode: number;
}

/** Body of the request for one topic, without the flexible header's tag buffer (see the caller). */
export function encodeTopicMetadataRequest(topic: string): Buffer {
  const name = Buffer.from(topic);
  return Buffer.concat([
    Buffer.from([0]), // tagged fields of the request header, version 2
    unsignedVarint(2), // one topic, compact array
    Buffer.alloc(16), // topic id: none, ask by name
    unsignedVarint(name.length + 1),
    name,
    Buffer.from([0]), // tagged fields of the topic
    Buffer.from([0]), // allow_auto_topic_creation: no
    Buffer.from([0]), // include_topic_authorized_operations: no
    Buffer.from([0]), // tagged fields of the request
  ]);
}

/** Reads the id of the one topic that was asked for. */
export function decodeTopicMetadataResponse(bytes: Buffer): TopicIdentity {
  const from = new WireReader(bytes);
  from.tags(); // response header, version 1
  from.skip(4); // throttle_time_ms
  for (let brokers = from.unsignedVarint() - 1; brokers > 0; brokers--) {
    from.skip(4); // node_id
    from.compactString(); // host
    from.skip(4); // port
    from.compactString(); // rack
    from.tags();
  }
  from.compactString(); // cluster_id
  from.skip(4); // controller_id
  from.unsignedVarint(); // topics, one
  const errorCode = from.int16();
  from.compactString(); // name
  const hex = from.take(16).toString('hex');
  const topicId = hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
  return { topicId, errorCode };
}
