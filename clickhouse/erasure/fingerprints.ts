import { scrypt } from 'node:crypto';

const BYTES = 16;

/**
 * By what an erasure that has not ended knows its identifiers again, without keeping them: scrypt
 * (RFC 7914) with Node's cost, 16 MiB and about 50 ms each, salted with the erasure's id. Whoever reads
 * them can still try out guesses, slowly: they go when the erasure ends.
 */
export async function fingerprintsOf(
  identifiers: readonly string[],
  erasure: string,
): Promise<string[]> {
  const found: string[] = [];
  // One at a time: each takes 16 MiB while it is made.
  for (const identifier of new Set(identifiers)) {
    found.push(await fingerprint(identifier, erasure));
  }
  return found.sort();
}

const fingerprint = (identifier: string, salt: string): Promise<string> =>
  new Promise((resolve, reject) => {
    scrypt(identifier, salt, BYTES, (error, key) => {
      if (error) reject(error);
      else resolve(key.toString('hex'));
    });
  });
