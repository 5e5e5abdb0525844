import { createHmac, timingSafeEqual } from 'node:crypto';
import { z } from 'zod';
import { LedgerlineError } from '../../schemas/errors.ts';

/** Where a page ended: the last event's place in the order of time, ties told apart by id. */
export interface Position {
  /** Microseconds since 1970. */
  readonly micros: number;
  readonly id: string;
  /** What "now" was for the first page, so that `since:7d` means the same on all of them. */
  readonly nowMs: number;
}

/** What a cursor belongs to: a page of another search would be no page of this one. */
export interface CursorOwner {
  readonly query: string;
  readonly tenants: readonly string[] | undefined;
  readonly order: string;
  readonly timeZone: string;
  readonly key: string;
}

const VERSION = 1;
const MAX_LENGTH = 512;
const content = z.tuple([
  z.literal(VERSION),
  z.int().min(0),
  z.guid(),
  z.int().min(0).max(8_640_000_000_000_000),
]);

/** Opaque to its holder: the position, sealed together with the search that it continues. */
export function sealCursor({ micros, id, nowMs }: Position, owner: CursorOwner): string {
  const body = Buffer.from(JSON.stringify([VERSION, micros, id, nowMs]));
  return `${body.toString('base64url')}.${sealOf(body, owner).toString('base64url')}`;
}

/**
 * @throws LedgerlineError `CURSOR_INVALID` where it was changed, or comes from another search, tenant
 *   or order. A cursor gives no rights: the tenants of a page are those of its own options.
 */
export function openCursor(cursor: string, owner: CursorOwner): Position {
  const [text = '', seal = '', ...more] = cursor.length > MAX_LENGTH ? [] : cursor.split('.');
  const body = Buffer.from(text, 'base64url');
  const given = Buffer.from(seal, 'base64url');
  const own = sealOf(body, owner);
  if (more.length > 0 || given.length !== own.length || !timingSafeEqual(given, own))
    throw foreign();
  try {
    const [, micros, id, nowMs] = content.parse(JSON.parse(body.toString('utf8')));
    return { micros, id, nowMs };
  } catch {
    throw foreign();
  }
}

function sealOf(body: Buffer, { query, tenants, order, timeZone, key }: CursorOwner): Buffer {
  const owner = JSON.stringify([query, tenants ?? null, order, timeZone]);
  return createHmac('sha256', `ledgerline cursor ${key}`)
    .update(owner)
    .update(body)
    .digest()
    .subarray(0, 16);
}

const foreign = (): LedgerlineError =>
  new LedgerlineError('CURSOR_INVALID', 'the cursor was changed, or belongs to another search', {
    hint: 'Pass it on as it came, with the same query, tenant, order and time zone; or begin anew without it.',
  });
