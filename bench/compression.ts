import { promisify, parseArgs } from 'node:util';
import zlib from 'node:zlib';
import { decompress as fzstd } from 'fzstd';
import { compressFrame, decompressFrame } from 'lz4-napi';
import { compress as snap, uncompress as unsnap } from 'snappy';
import { encodeRow, messageKey } from '../schemas/index.ts';
import { EventStream } from './events.ts';
import { rounded, wholeNumber } from './stack.ts';

const USAGE = `npm run bench -- compression [--events 20000] [--json]

What each way to compress Kafka's record batches saves and costs, by the size of the batch: bytes per
event, and microseconds of CPU per event to compress and to decompress, on the four catalogs' mix.
Every batch is decompressed and compared before it counts. zstd is there on Node 22.15 and later.
`;

type Work = (bytes: Buffer) => Promise<Buffer>;

interface Method {
  readonly compress: Work;
  readonly decompress: Work;
}

const gzip = promisify(zlib.gzip) as Work;
const gunzip = promisify(zlib.gunzip) as Work;

const METHODS: Readonly<Record<string, Method>> = {
  none: {
    compress: (bytes) => Promise.resolve(bytes),
    decompress: (bytes) => Promise.resolve(bytes),
  },
  gzip: { compress: gzip, decompress: gunzip },
  lz4: { compress: compressFrame, decompress: decompressFrame },
  snappy: {
    compress: async (bytes) => Buffer.from(await snap(bytes)),
    decompress: async (bytes) => Buffer.from(await unsnap(bytes, { asBuffer: true })),
  },
  ...zstdOfNode(),
};

/** Node's own, read by Node and by the library that older Nodes read with. */
function zstdOfNode(): Record<string, Method> {
  const compress = Reflect.get(zlib, 'zstdCompress') as typeof zlib.gzip | undefined;
  const decompress = Reflect.get(zlib, 'zstdDecompress') as typeof zlib.gunzip | undefined;
  if (compress === undefined || decompress === undefined) return {};
  const by = promisify(compress) as Work;
  return {
    zstd: { compress: by, decompress: promisify(decompress) as Work },
    'zstd/fzstd': {
      compress: by,
      decompress: (bytes) => Promise.resolve(Buffer.from(fzstd(bytes))),
    },
  };
}

interface Row {
  readonly batch: number;
  readonly method: string;
  readonly bytesPerEvent: number;
  readonly compressUs: number;
  readonly decompressUs: number;
}

/** Record batches as they are on the wire but for the varints between fields. */
function batchesOf(events: number, size: number): Buffer[] {
  const stream = new EventStream(events, Date.UTC(2026, 10, 22));
  const batches: Buffer[] = [];
  for (let made = 0; made < events; made += size) {
    const records = Array.from({ length: size }, () => {
      const { event } = stream.next();
      return [
        Buffer.from(messageKey(event)),
        encodeRow(event),
        Buffer.from(`ll-v1ll-id${event.id}`),
      ];
    });
    batches.push(Buffer.concat(records.flat()));
  }
  return batches;
}

/** CPU of all threads: the libraries work outside of JavaScript's. */
async function cpuUs(work: () => Promise<void>): Promise<number> {
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return user + system;
}

async function measure(
  name: string,
  method: Method,
  batches: readonly Buffer[],
  size: number,
): Promise<Row> {
  const events = batches.length * size;
  const [warm = Buffer.alloc(0)] = batches;
  for (let n = 0; n < 5; n += 1) await method.decompress(await method.compress(warm));
  const packed: Buffer[] = [];
  const compressing = await cpuUs(async () => {
    for (const batch of batches) packed.push(await method.compress(batch));
  });
  let same = true;
  const decompressing = await cpuUs(async () => {
    for (const [index, bytes] of packed.entries()) {
      same &&= (await method.decompress(bytes)).length === batches[index]?.length;
    }
  });
  for (const [index, bytes] of packed.entries()) {
    if (!same || batches[index]?.equals(await method.decompress(bytes)) !== true) {
      throw new Error(`${name} gave back something else than it was given`);
    }
  }
  const bytes = packed.reduce((sum, { length }) => sum + length, 0);
  return {
    batch: size,
    method: name,
    bytesPerEvent: rounded(bytes / events),
    compressUs: rounded(compressing / events, 2),
    decompressUs: rounded(decompressing / events, 2),
  };
}

/** `npm run bench -- compression` */
export async function run(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      events: { type: 'string', default: '20000' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(USAGE);
    return;
  }
  const events = wholeNumber('events', values.events, 1_000);
  const rows: Row[] = [];
  for (const size of [10, 100, 900]) {
    const batches = batchesOf(Math.floor(events / size) * size, size);
    for (const [name, method] of Object.entries(METHODS)) {
      rows.push(await measure(name, method, batches, size));
    }
  }
  if (values.json) {
    process.stdout.write(`${JSON.stringify(rows)}\n`);
    return;
  }
  for (const { batch, method, bytesPerEvent, compressUs, decompressUs } of rows) {
    process.stdout.write(
      `${String(batch).padStart(4)} events  ${method.padEnd(10)} ${String(bytesPerEvent).padStart(5)} bytes  ` +
        `${compressUs.toFixed(2).padStart(6)} µs to compress  ${decompressUs.toFixed(2).padStart(6)} µs to decompress\n`,
    );
  }
}
