/**
 * kafkajs keeps its buffer when it connects again: after a connection that was cut in the middle of an
 * answer it waits for the rest of that answer in the bytes of the next ones, and understands nothing any
 * more, for as long as the process lives (2.2.4, network/connection.js: `chunks`, `bytesNeeded`). Here each
 * new connection begins with an empty buffer. test/faults/commits-refused.test.ts shows it.
 */
import { createRequire } from 'node:module';

interface Connection {
  isConnected(): boolean;
  connect(): Promise<unknown>;
  chunks: Buffer[];
  bytesBuffered: number;
  bytesNeeded: number;
}

/** The length in front of each answer. */
const LENGTH_BYTES = 4;

/** For every connection of kafkajs in this process. Once: `consumers/kafka.ts` does it when it is loaded. */
export function forgetHalfAnswers(): void {
  const { prototype } = createRequire(import.meta.url)('kafkajs/src/network/connection.js') as {
    prototype: Connection;
  };
  const connect = Reflect.get(prototype, 'connect');
  prototype.connect = function () {
    if (!this.isConnected()) {
      this.chunks = [];
      this.bytesBuffered = 0;
      this.bytesNeeded = LENGTH_BYTES;
    }
    return connect.call(this);
  };
}
