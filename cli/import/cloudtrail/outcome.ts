import type { AuditEvent, Outcome } from '../../../schemas/index.ts';
import { type JsonObject, objectOf, textOf } from '../json.ts';

/**
 * Services name a refusal in many ways: AccessDenied, AccessDeniedException, Client.UnauthorizedOperation,
 * AuthorizationError, ForbiddenException, Client.AuthFailure, UserNotAuthorized, …
 */
const DENIED =
  /AccessDenied|Unauthori[sz]ed|NotAuthori[sz]ed|Authori[sz]ationError|Forbidden|NotPermitted|AuthFailure|InsufficientPrivileges/i;

/** Sign-in events say how they ended in their own field: `{ "ConsoleLogin": "Failure" }`. */
const SIGN_INS = ['ConsoleLogin', 'SwitchRole', 'ExitRole', 'CheckMfa'];

export interface HowItEnded {
  readonly outcome: Outcome;
  readonly error?: AuditEvent['error'];
}

/** How a recorded call ended, and CloudTrail's error code and message where it did not succeed. Pure. */
export function outcomeOf(record: JsonObject): HowItEnded {
  const code = textOf(record['errorCode']);
  const message = textOf(record['errorMessage']);
  const response = objectOf(record['responseElements']);
  const signInFailed = SIGN_INS.some((name) => response[name] === 'Failure');
  if (code === undefined && message === undefined && !signInFailed) return { outcome: 'success' };
  return {
    outcome: code !== undefined && DENIED.test(code) ? 'denied' : 'failure',
    ...(code === undefined && message === undefined ? {} : { error: { code, message } }),
  };
}
