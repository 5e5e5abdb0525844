import { z } from 'zod';
import { defineCatalog } from '../catalog.ts';
import { category } from '../category.ts';
import { event } from '../event-type.ts';

const name = z.string().min(1);
const role = z.strictObject({ role: name, scope: z.string().optional() });
const permission = z.strictObject({ permission: name, scope: z.string().optional() });

const authorizationCategory = category('authorization', {
  label: 'Authorization',
  icon: 'key-round',
  events: {
    'authorization.role.created': event({
      operation: 'create',
      label: 'Role created',
      target: 'role',
      severity: 'medium',
    }),
    'authorization.role.updated': event({
      operation: 'update',
      label: 'Role changed',
      target: 'role',
      severity: 'medium',
    }),
    'authorization.role.deleted': event({
      operation: 'delete',
      label: 'Role deleted',
      target: 'role',
      severity: 'medium',
    }),
    /** The target is who got it. */
    'authorization.role.granted': event({
      operation: 'create',
      label: 'Role granted',
      target: 'user',
      severity: 'medium',
      data: role,
    }),
    'authorization.role.revoked': event({
      operation: 'delete',
      label: 'Role revoked',
      target: 'user',
      severity: 'medium',
      data: role,
    }),
    'authorization.permission.granted': event({
      operation: 'create',
      label: 'Permission granted',
      target: 'user',
      severity: 'medium',
      data: permission,
    }),
    'authorization.permission.revoked': event({
      operation: 'delete',
      label: 'Permission revoked',
      target: 'user',
      severity: 'medium',
      data: permission,
    }),
    /** What was asked for is in the data. */
    'authorization.permission.denied': event({
      operation: 'execute',
      label: 'Permission denied',
      outcome: 'denied',
      severity: 'medium',
      data: permission,
    }),
    'authorization.policy.changed': event({
      operation: 'update',
      label: 'Access policy changed',
      target: 'policy',
      severity: 'high',
      requiresReason: true,
    }),
  },
});

/** Who may do what, who changed that, and who was refused. Protected: no policy silences it. */
export const authorization = defineCatalog(authorizationCategory);
