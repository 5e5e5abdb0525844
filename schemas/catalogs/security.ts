import { z } from 'zod';
import { defineCatalog } from '../catalog.ts';
import { category } from '../category.ts';
import { event } from '../event-type.ts';

const name = z.string().min(1);
const method = z.strictObject({ method: name });
const token = z.strictObject({
  scopes: z.array(name).optional(),
  expiresAt: z.iso.datetime().optional(),
});

const securityCategory = category('security', {
  label: 'Security',
  icon: 'shield',
  events: {
    /** The outcome says whether it succeeded, failed or was denied. */
    'security.sign_in.attempted': event({
      operation: 'execute',
      label: 'Sign-in',
      data: z.strictObject({ method: name, mfa: z.boolean().optional() }),
    }),
    'security.session.ended': event({
      operation: 'delete',
      label: 'Session ended',
      data: z.strictObject({ cause: z.enum(['sign_out', 'expiry', 'revocation']) }),
    }),
    'security.account.locked': event({
      operation: 'update',
      label: 'Account locked',
      target: 'user',
      severity: 'high',
      data: z.strictObject({ attempts: z.int().min(0).optional() }),
    }),
    'security.account.unlocked': event({
      operation: 'update',
      label: 'Account unlocked',
      target: 'user',
      severity: 'medium',
    }),
    'security.password.changed': event({
      operation: 'update',
      label: 'Password changed',
      target: 'user',
      severity: 'low',
    }),
    'security.password.reset_requested': event({
      operation: 'execute',
      label: 'Password reset requested',
      target: 'user',
      severity: 'low',
    }),
    'security.mfa.enabled': event({
      operation: 'create',
      label: 'Second factor enabled',
      target: 'user',
      severity: 'low',
      data: method,
    }),
    'security.mfa.disabled': event({
      operation: 'delete',
      label: 'Second factor disabled',
      target: 'user',
      severity: 'high',
      data: method,
    }),
    'security.mfa.challenged': event({
      operation: 'execute',
      label: 'Second factor asked for',
      data: method,
    }),
    'security.token.issued': event({
      operation: 'create',
      label: 'Access token issued',
      target: 'token',
      severity: 'low',
      data: token,
    }),
    'security.token.revoked': event({
      operation: 'delete',
      label: 'Access token revoked',
      target: 'token',
      severity: 'low',
    }),
    'security.impersonation.started': event({
      operation: 'execute',
      label: 'Acting as somebody else started',
      target: 'user',
      severity: 'high',
      requiresReason: true,
    }),
    'security.impersonation.ended': event({
      operation: 'execute',
      label: 'Acting as somebody else ended',
      target: 'user',
      severity: 'medium',
    }),
  },
});

/** Who signed in, how, and what became of their credentials. Protected: no policy silences it. */
export const security = defineCatalog(securityCategory);
