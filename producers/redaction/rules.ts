import { z } from 'zod';
import { LedgerlineError, type Catalog, type ResolvedEvent } from '../../schemas/index.ts';
import { hasherOf, type RedactionKey } from './hash.ts';
import { DEFAULT_SECRET_NAMES, SecretNames, type SecretNameOptions } from './secret-names.ts';

/** How sensitive values are treated, beside what the schemas say. */
export interface RedactionOptions {
  /** For `sensitive(…, 'hash')`. */
  readonly key?: RedactionKey | undefined;
  /** Names under which secrets are masked wherever no schema declares the field. */
  readonly names?: SecretNameOptions | undefined;
}

const nameList = z.array(z.string().min(2).max(64)).optional();
const MIN_SECRET_BYTES = 16;

/** `redaction`, as part of a ledger's options. */
export const redactionSchema = z.strictObject({
  key: z
    .strictObject({
      id: z.string().regex(/^[\w.-]{1,32}$/u, 'must be 1 to 32 letters, digits, _ . -'),
      secret: z
        .union([z.string(), z.instanceof(Uint8Array)])
        .refine((secret) => Buffer.from(secret).length >= MIN_SECRET_BYTES, {
          error: `must have at least ${MIN_SECRET_BYTES} bytes`,
        }),
    })
    .optional(),
  names: z.strictObject({ add: nameList, remove: nameList }).optional(),
});

/** What all types' redactors of one ledger have in common. */
export interface RedactionRules {
  readonly names: SecretNames;
  /** Never called where there is no key: {@link rulesOf} sees to that. */
  readonly hash: (value: unknown) => string;
}

/** Throws `CONFIG_INVALID` when a type of the catalog hashes and there is no key. */
export function rulesOf(catalog: Catalog, { key, names }: RedactionOptions = {}): RedactionRules {
  if (key === undefined) refuseHashes(catalog);
  return {
    names: names === undefined ? DEFAULT_SECRET_NAMES : new SecretNames(names),
    hash: key === undefined ? withoutKey : hasherOf(key),
  };
}

function refuseHashes(catalog: Catalog): void {
  const hashing = [...catalog.categories.values()]
    .flatMap(({ types }) => [...types])
    .filter(([type, versions]) =>
      versions.some(({ version }) => isHashing(catalog.resolve(type, version))),
    )
    .map(([type]) => type);
  if (hashing.length === 0) return;
  throw new LedgerlineError(
    'CONFIG_INVALID',
    `createLedger: redaction.key: is needed, since these types hash fields: ${hashing.join(', ')}.`,
    { hint: "Pass redaction: { key: { id, secret } }, or mark the fields 'mask' or 'drop'." },
  );
}

const isHashing = (definition: ResolvedEvent | undefined): boolean =>
  definition?.sensitive.hashes === true;

const withoutKey = (): string => {
  throw new LedgerlineError('CONFIG_INVALID', 'There is no key to hash with.', {
    hint: 'Pass redaction: { key: { id, secret } }.',
  });
};
