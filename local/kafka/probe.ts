import { connect } from 'node:net';

/**
 * Asks 127.0.0.1:`port` for its protocol versions (ApiVersions v0, the request that every client
 * starts with) and says whether a Kafka broker answered. A connection alone proves nothing: the
 * socket listens before the broker serves.
 * Wire form: https://kafka.apache.org/41/design/protocol/
 */
export function answersAsKafka(port: number, timeoutMs: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port });
    const settle = (answered: boolean): void => {
      socket.destroy();
      resolve(answered);
    };
    socket.setTimeout(timeoutMs, () => settle(false));
    socket.once('error', () => settle(false));
    socket.once('close', () => resolve(false));
    socket.once('connect', () => socket.write(apiVersionsRequest()));
    const chunks: Buffer[] = [];
    socket.on('data', (chunk: Buffer) => {
      chunks.push(chunk);
      const answer = Buffer.concat(chunks);
      // size, correlation id, error code
      if (answer.length >= 10) {
        settle(answer.readInt32BE(4) === CORRELATION_ID && answer.readInt16BE(8) === 0);
      }
    });
  });
}

const API_VERSIONS = 18;
const CORRELATION_ID = 1;
const NO_CLIENT_ID = -1;

function apiVersionsRequest(): Buffer {
  const request = Buffer.alloc(14);
  request.writeInt32BE(10, 0);
  request.writeInt16BE(API_VERSIONS, 4);
  request.writeInt16BE(0, 6);
  request.writeInt32BE(CORRELATION_ID, 8);
  request.writeInt16BE(NO_CLIENT_ID, 12);
  return request;
}
