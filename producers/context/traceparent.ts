/** What a `traceparent` header says. */
export interface TraceParent {
  /** 32 hexadecimal digits. */
  readonly traceId: string;
  /** 16 hexadecimal digits: the caller's span. */
  readonly parentId: string;
  readonly sampled: boolean;
}

const FIELDS = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/u;
const ZERO_TRACE = '0'.repeat(32);
const ZERO_PARENT = '0'.repeat(16);
/** Later versions may add fields at the end; nobody reads a header longer than this for four. */
const MAX_LENGTH = 512;

/**
 * Reads a `traceparent` header as https://www.w3.org/TR/trace-context/#traceparent-header says:
 * lowercase only, all-zero ids and version `ff` are invalid, version `00` has exactly four fields,
 * and of a later version the first four count. Undefined: the header is none, and is ignored.
 */
export function parseTraceparent(header: unknown): TraceParent | undefined {
  if (typeof header !== 'string' || header.length > MAX_LENGTH) return undefined;
  const match = FIELDS.exec(header);
  if (match === null) return undefined;
  const [, version, traceId = ZERO_TRACE, parentId = ZERO_PARENT, flags = '00', more] = match;
  if (version === 'ff' || traceId === ZERO_TRACE || parentId === ZERO_PARENT) return undefined;
  if (version === '00' && more !== undefined) return undefined;
  return { traceId, parentId, sampled: (Number.parseInt(flags, 16) & 1) === 1 };
}
