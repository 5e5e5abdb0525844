/** As much of Kafka's wire protocol as a proxy needs that refuses requests in the broker's place. */

/** Kinds of requests: https://kafka.apache.org/protocol#protocol_api_keys */
export const API = {
  produce: 0,
  fetch: 1,
  metadata: 3,
  offsetCommit: 8,
  offsetFetch: 9,
  findCoordinator: 10,
  joinGroup: 11,
  heartbeat: 12,
  syncGroup: 14,
  versions: 18,
} as const;

/** Error codes: https://kafka.apache.org/protocol#protocol_error_codes */
export const ERROR = {
  coordinatorLoading: 14,
  coordinatorNotAvailable: 15,
  notCoordinator: 16,
  illegalGeneration: 22,
  unknownMember: 25,
  rebalanceInProgress: 27,
} as const;

export interface KafkaRequest {
  readonly apiKey: number;
  readonly apiVersion: number;
  readonly correlationId: number;
  /** Behind the header. */
  readonly body: Buffer;
}

/** Cuts a stream into frames, each with its four bytes of length. */
export class Frames {
  #rest: Buffer = Buffer.alloc(0);

  push(chunk: Buffer): Buffer[] {
    this.#rest = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    const frames: Buffer[] = [];
    while (this.#rest.length >= 4) {
      const end = 4 + this.#rest.readInt32BE(0);
      if (this.#rest.length < end) break;
      frames.push(this.#rest.subarray(0, end));
      this.#rest = this.#rest.subarray(end);
    }
    return frames;
  }
}

export function readRequest(frame: Buffer): KafkaRequest {
  const clientId = Math.max(0, frame.readInt16BE(12));
  return {
    apiKey: frame.readInt16BE(4),
    apiVersion: frame.readInt16BE(6),
    correlationId: frame.readInt32BE(8),
    body: frame.subarray(14 + clientId),
  };
}

/** A response frame. */
export function frameOf(correlationId: number, body: Buffer): Buffer {
  const head = Buffer.alloc(8);
  head.writeInt32BE(4 + body.length, 0);
  head.writeInt32BE(correlationId, 4);
  return Buffer.concat([head, body]);
}

/** OffsetCommit, version 5: every partition of the request gets this error. */
export const commitRefused =
  (error: number) =>
  ({ apiVersion, body }: KafkaRequest): Buffer => {
    if (apiVersion !== 5) throw new Error(`OffsetCommit has version ${apiVersion}, not 5`);
    let at = 0;
    const text = (): Buffer => {
      const length = Math.max(0, body.readInt16BE(at));
      const whole = body.subarray(at, at + 2 + length);
      at += 2 + length;
      return whole;
    };
    const int32 = (): number => {
      at += 4;
      return body.readInt32BE(at - 4);
    };
    text(); // group
    int32(); // generation
    text(); // member
    const parts: Buffer[] = [int32s(0)]; // throttle_time_ms
    const topics = int32();
    parts.push(int32s(topics));
    for (let topic = 0; topic < topics; topic++) {
      parts.push(text());
      const partitions = int32();
      parts.push(int32s(partitions));
      for (let index = 0; index < partitions; index++) {
        parts.push(int32s(int32()), int16(error));
        at += 8; // offset
        text(); // metadata
      }
    }
    return Buffer.concat(parts);
  };

/** FindCoordinator, versions 1 and 2: there is none. */
export const noCoordinator = (): Buffer =>
  Buffer.concat([
    int32s(0),
    int16(ERROR.coordinatorNotAvailable),
    int16(-1),
    int32s(-1),
    int16(0),
    int32s(-1),
  ]);

/** Heartbeat, versions 1 to 3. */
export const heartbeatRefused = (error: number) => (): Buffer =>
  Buffer.concat([int32s(0), int16(error)]);

function int32s(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}

function int16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeInt16BE(value);
  return bytes;
}
