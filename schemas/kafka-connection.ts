/** What of kafkajs's connections has to be mended; both sides that have such connections do it. */

/** Of network/connection.js. */
interface Connection {
  isConnected(): boolean;
  connect(): Promise<unknown>;
  chunks: Buffer[];
  bytesBuffered: number;
  bytesNeeded: number;
}

/** Of network/requestQueue/index.js. */
interface RequestQueue {
  readonly pending: readonly unknown[];
  scheduleCheckPendingRequests(): void;
}

/** The length in front of each answer. */
const LENGTH_BYTES = 4;

const mended = new WeakSet<object>();

/**
 * Mends the classes of kafkajs 2.2.4 for the whole process. Safe to call twice; a class of another shape is
 * left alone.
 *
 * @param load gives a file of kafkajs by its path, as `require` does
 * @throws what `load` throws
 *
 * @example
 * mendConnections(createRequire(import.meta.url));
 */
export function mendConnections(load: (path: string) => unknown): void {
  forgetHalfAnswers(load('kafkajs/src/network/connection.js'));
  restWhenNothingWaits(load('kafkajs/src/network/requestQueue/index.js'));
}

/**
 * kafkajs keeps its buffer when it connects again: after a connection that was cut in the middle of an
 * answer it waits for the rest of that answer in the bytes of the next ones, and understands nothing any
 * more, for as long as the process lives (`chunks`, `bytesNeeded`). Here each new connection begins with
 * an empty buffer.
 */
function forgetHalfAnswers(connection: unknown): void {
  const prototype = toMend<Connection>(connection, ['connect', 'isConnected']);
  if (prototype === undefined) return;
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

/**
 * After its first answer each connection looks every millisecond, until it is closed, whether a request
 * waits to be sent: a timer of a negative time that starts itself again. Several percent of a core for a
 * service that does nothing. A request that has to wait starts a timer of its own.
 */
function restWhenNothingWaits(requestQueue: unknown): void {
  const prototype = toMend<RequestQueue>(requestQueue, ['scheduleCheckPendingRequests']);
  if (prototype === undefined) return;
  const schedule = Reflect.get(prototype, 'scheduleCheckPendingRequests');
  prototype.scheduleCheckPendingRequests = function () {
    if (this.pending.length > 0) schedule.call(this);
  };
}

/** The prototype of a class that has these methods, once. */
function toMend<T extends object>(
  given: unknown,
  methods: readonly (keyof T & string)[],
): T | undefined {
  if (typeof given !== 'function') return undefined;
  const prototype: unknown = given.prototype;
  if (typeof prototype !== 'object' || prototype === null || mended.has(prototype))
    return undefined;
  if (!methods.every((name) => typeof Reflect.get(prototype, name) === 'function'))
    return undefined;
  mended.add(prototype);
  return prototype as T;
}
