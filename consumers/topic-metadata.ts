/**
 * Kafka's Metadata request, version 12: the first that tells a topic's id, which kafkajs (up to version
 * 6 of it) does not ask for. Bytes in, bytes out; layout from the protocol guide
 * (https://kafka.apache.org/protocol#The_Messages_Metadata).
 */

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
  const from = new Reader(bytes);
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

function unsignedVarint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  do {
    const low = rest & 0x7f;
    rest >>>= 7;
    bytes.push(rest > 0 ? low | 0x80 : low);
  } while (rest > 0);
  return Buffer.from(bytes);
}

class Reader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  skip(count: number): void {
    this.#at += count;
  }

  take(count: number): Buffer {
    if (this.#at + count > this.#bytes.length) {
      throw new RangeError('The Metadata response ends before the topic');
    }
    const taken = this.#bytes.subarray(this.#at, this.#at + count);
    this.#at += count;
    return taken;
  }

  int16(): number {
    return this.take(2).readInt16BE(0);
  }

  unsignedVarint(): number {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = this.#bytes.readUInt8(this.#at++);
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value >>> 0;
    }
  }

  compactString(): void {
    const length = this.unsignedVarint();
    if (length > 1) this.skip(length - 1);
  }

  tags(): void {
    for (let count = this.unsignedVarint(); count > 0; count--) {
      this.unsignedVarint();
      this.skip(this.unsignedVarint());
    }
  }
}
