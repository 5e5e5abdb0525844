import { createRequire } from 'node:module';
import zlib from 'node:zlib';
import { LedgerlineError } from '../schemas/index.ts';

/** How Kafka messages are compressed; docs/decisions/0006-compression.md compares them. */
export const COMPRESSIONS = ['none', 'gzip', 'lz4', 'zstd'] as const;
export type Compression = (typeof COMPRESSIONS)[number];

/** A codec as the Kafka client wants it: `compress` gets something that has the bytes. */
export interface Codec {
  compress(from: { readonly buffer: Buffer }): Promise<Buffer>;
  decompress(bytes: Buffer): Promise<Buffer>;
}

/** Node has it from 22.15 and 23.8 on; its types here are those of Node 20. */
type Zstd = (bytes: Buffer, done: (error: Error | null, result: Buffer) => void) => void;

const LZ4_PACKAGE = 'lz4-napi';

/**
 * The codec of a compression that the Kafka client does not bring itself. Throws `CONFIG_INVALID`
 * where this Node or this installation lacks what it takes: at the start, not at the first send.
 */
export function codecOf(compression: 'lz4' | 'zstd'): Codec {
  return compression === 'lz4' ? lz4() : zstd();
}

function lz4(): Codec {
  try {
    createRequire(import.meta.url).resolve(LZ4_PACKAGE);
  } catch (cause) {
    throw unusable('lz4', `needs the package ${LZ4_PACKAGE}`, `npm install ${LZ4_PACKAGE}`, cause);
  }
  return {
    compress: async ({ buffer }) => (await import('lz4-napi')).compressFrame(buffer),
    decompress: async (bytes) => (await import('lz4-napi')).decompressFrame(bytes),
  };
}

function zstd(): Codec {
  const compress = Reflect.get(zlib, 'zstdCompress') as Zstd | undefined;
  const decompress = Reflect.get(zlib, 'zstdDecompress') as Zstd | undefined;
  if (compress === undefined || decompress === undefined) {
    throw unusable('zstd', 'needs Node 22.15 or later', 'Choose gzip or lz4, or a newer Node.');
  }
  return {
    compress: ({ buffer }) => run(compress, buffer),
    decompress: (bytes) => run(decompress, bytes),
  };
}

const run = (work: Zstd, bytes: Buffer): Promise<Buffer> =>
  new Promise((resolve, reject) => {
    work(bytes, (error, result) => (error === null ? resolve(result) : reject(error)));
  });

const unusable = (which: Compression, needs: string, hint: string, cause?: unknown) =>
  new LedgerlineError('CONFIG_INVALID', `compression: ${which} ${needs}.`, {
    hint,
    cause,
  });
