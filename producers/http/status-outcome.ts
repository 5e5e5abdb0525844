import { STATUS_CODES } from 'node:http';
import type { AuditEvent, Outcome } from '../../schemas/index.ts';

interface Ending {
  readonly outcome: Outcome;
  readonly error?: AuditEvent['error'];
}

/** Refusals: unauthorized, forbidden, proxy authentication required, unavailable for legal reasons. */
const DENIALS = new Set([401, 403, 407, 451]);

/**
 * How a request ended, by its status (RFC 9110, section 15): 2xx and 3xx success; 401, 403, 407 and
 * 451 denied; all else failure, `HTTP_<status>`.
 */
export function statusOutcome(status: number): Ending {
  if (status < 400) return { outcome: 'success' };
  const error = { code: `HTTP_${status}`, message: STATUS_CODES[status] ?? 'Unknown status' };
  return { outcome: DENIALS.has(status) ? 'denied' : 'failure', error };
}

/** The connection broke before the whole response was out. */
export const ABORTED: Ending = {
  outcome: 'failure',
  error: {
    code: 'CONNECTION_CLOSED',
    message: 'The connection closed before the response was complete.',
  },
};
