import { uuidv7 } from '../../schemas/index.ts';

/** What gateways and tracers send: UUIDs, ULIDs, hexadecimal, base64. Fit for a log and a header. */
const WELL_FORMED = /^[\w.:=+/@~-]{1,128}$/u;

/** The caller's own id where it is one and may be believed, otherwise a new one. */
export const requestId = (given: unknown, accepts: boolean): string =>
  accepts && typeof given === 'string' && WELL_FORMED.test(given) ? given : uuidv7();
