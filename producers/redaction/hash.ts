import { createHmac } from 'node:crypto';
import { viewOf } from '../../schemas/json-view.ts';
import { canonicalText } from '../../schemas/plain-value.ts';

/** What sensitive values are hashed with. */
export interface RedactionKey {
  /** Stands in every digest, so that digests of different keys are told apart: `2026-11`. */
  readonly id: string;
  /** At least 16 bytes; the same in every service whose digests are to be compared. */
  readonly secret: string | Uint8Array;
}

/**
 * The text of a value: what is stored as text as it is, anything else as JSON with sorted keys. A
 * Date in `data` so has the digest of its ISO text in `changes`.
 */
function textOf(value: unknown): string {
  const view = viewOf(value);
  return typeof view === 'string' ? view : canonicalText(value);
}

/**
 * HMAC-SHA-256 (RFC 2104) of a value as `hmac-sha256:<key id>:<base64url>`: equal for equal values
 * under one key, and of no use to guess them without the key.
 */
export function hasherOf({ id, secret }: RedactionKey): (value: unknown) => string {
  const prefix = `hmac-sha256:${id}:`;
  return (value) => prefix + createHmac('sha256', secret).update(textOf(value)).digest('base64url');
}
