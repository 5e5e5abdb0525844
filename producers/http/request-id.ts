import { uuidv7 } from '../../schemas/index.ts';

/** What gateways and tracers send: UUIDs, ULIDs, hexadecimal, base64. Fit for a log and a header. */
const WELL_FORMED = /^[\w.:=+/@~-]{1,128}$/u;

/**
 * The caller's own id where it is one and may be believed, else their trace's, so that services which
 * share nothing but a trace have one id for its events, and sample alike; otherwise a new one.
 */
export function requestId(given: unknown, accepts: boolean, traceId: string | undefined): string {
  if (!accepts) return uuidv7();
  return typeof given === 'string' && WELL_FORMED.test(given) ? given : (traceId ?? uuidv7());
}
