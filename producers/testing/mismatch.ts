import { isList, keysOf, ownMemberOf, viewOf } from '../../schemas/json-view.ts';
import { pointerTo } from '../../schemas/json-pointer.ts';

/** A place where an event is not what was expected of it. */
export interface Mismatch {
  /** As a JSON pointer. */
  readonly path: string;
  readonly expected: unknown;
  readonly found: unknown;
}

/** `expect.any(String)` and its like, of vitest and of jest. */
interface Asymmetric {
  asymmetricMatch(value: unknown): boolean;
}

const isAsymmetric = (value: unknown): value is Asymmetric =>
  typeof value === 'object' &&
  value !== null &&
  'asymmetricMatch' in value &&
  typeof value.asymmetricMatch === 'function';

/**
 * Where a value is not what is expected: objects may have more members than that, lists may not
 * have more items. Dates, BigInts and the like are expected as the ledger stores them.
 */
export function mismatches(expected: unknown, found: unknown, path = ''): Mismatch[] {
  if (isAsymmetric(expected)) {
    return expected.asymmetricMatch(found) ? [] : [{ path, expected, found }];
  }
  const wanted = viewOf(expected);
  const seen = viewOf(found);
  if (typeof wanted !== 'object' || wanted === null) {
    return wanted === seen ? [] : [{ path, expected, found }];
  }
  const fits = typeof seen === 'object' && seen !== null && isList(wanted) === isList(seen);
  if (!fits || (isList(wanted) && isList(seen) && wanted.length !== seen.length)) {
    return [{ path, expected, found }];
  }
  return keysOf(wanted).flatMap((key) =>
    mismatches(ownMemberOf(wanted, key), ownMemberOf(seen, key), pointerTo(path, key)),
  );
}
