/** What of kafkajs's connections has to be mended; both sides that have such connections do it. */
interface Connection {
  isConnected(): boolean;
  connect(): Promise<unknown>;
  chunks: Buffer[];
  bytesBuffered: number;
  bytesNeeded: number;
}

/** The length in front of each answer. */
const LENGTH_BYTES = 4;

const mended = new WeakSet<object>();

/**
 * kafkajs keeps its buffer when it connects again: after a connection that was cut in the middle of an
 * answer it waits for the rest of that answer in the bytes of the next ones, and understands nothing any
 * more, for as long as the process lives (2.2.4, network/connection.js: `chunks`, `bytesNeeded`). Here each
 * new connection begins with an empty buffer. Safe to call twice; a class of another shape is left alone.
 *
 * @param connection kafkajs's class of that file
 */
export function forgetHalfAnswers(connection: unknown): void {
  const prototype = prototypeOf(connection);
  if (prototype === undefined || mended.has(prototype)) return;
  mended.add(prototype);
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

function prototypeOf(connection: unknown): Connection | undefined {
  if (typeof connection !== 'function') return undefined;
  const prototype: unknown = connection.prototype;
  const isOne =
    typeof prototype === 'object' &&
    prototype !== null &&
    typeof Reflect.get(prototype, 'connect') === 'function' &&
    typeof Reflect.get(prototype, 'isConnected') === 'function';
  return isOne ? (prototype as Connection) : undefined;
}
