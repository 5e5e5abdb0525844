import { z } from 'zod';
import { defineCatalog } from '../catalog.ts';
import { category } from '../category.ts';
import { event } from '../event-type.ts';

const name = z.string().min(1);
const page = z.strictObject({ count: z.int().min(0).optional(), cursor: z.string().optional() });
const call = z.strictObject({
  durationMs: z.number().min(0).optional(),
  server: z.string().optional(),
  inputBytes: z.int().min(0).optional(),
  outputBytes: z.int().min(0).optional(),
});
const scopes = z.strictObject({
  scopes: z.array(name),
  expiresAt: z.iso.datetime().optional(),
});

const gatewayCategory = category('gateway', {
  label: 'Gateway',
  icon: 'waypoints',
  events: {
    'gateway.health.checked': event({
      operation: 'read',
      label: 'Health checked',
      aliases: ['health_check'],
    }),
    'gateway.tool.listed': event({ operation: 'read', label: 'Tools listed', data: page }),
    'gateway.tool.read': event({ operation: 'read', label: 'Tool read', target: 'tool' }),
    'gateway.tool.invoked': event({
      operation: 'execute',
      label: 'Tool invoked',
      target: 'tool',
      data: call,
    }),
    'gateway.tool.registered': event({
      operation: 'create',
      label: 'Tool registered',
      target: 'tool',
    }),
    'gateway.tool.updated': event({ operation: 'update', label: 'Tool updated', target: 'tool' }),
    'gateway.tool.deleted': event({
      operation: 'delete',
      label: 'Tool deleted',
      target: 'tool',
      severity: 'low',
    }),
    'gateway.server.listed': event({ operation: 'read', label: 'Servers listed', data: page }),
    'gateway.server.read': event({ operation: 'read', label: 'Server read', target: 'server' }),
    'gateway.server.registered': event({
      operation: 'create',
      label: 'Server registered',
      target: 'server',
      severity: 'low',
    }),
    'gateway.server.updated': event({
      operation: 'update',
      label: 'Server updated',
      target: 'server',
    }),
    'gateway.server.deleted': event({
      operation: 'delete',
      label: 'Server deleted',
      target: 'server',
      severity: 'medium',
    }),
    'gateway.resource.listed': event({ operation: 'read', label: 'Resources listed', data: page }),
    'gateway.resource.read': event({
      operation: 'read',
      label: 'Resource read',
      target: 'resource',
      data: call,
    }),
    'gateway.resource.registered': event({
      operation: 'create',
      label: 'Resource registered',
      target: 'resource',
    }),
    'gateway.resource.updated': event({
      operation: 'update',
      label: 'Resource updated',
      target: 'resource',
    }),
    'gateway.resource.deleted': event({
      operation: 'delete',
      label: 'Resource deleted',
      target: 'resource',
    }),
    'gateway.prompt.listed': event({ operation: 'read', label: 'Prompts listed', data: page }),
    'gateway.prompt.read': event({ operation: 'read', label: 'Prompt read', target: 'prompt' }),
    'gateway.prompt.rendered': event({
      operation: 'execute',
      label: 'Prompt rendered',
      target: 'prompt',
      data: call,
    }),
    'gateway.prompt.created': event({
      operation: 'create',
      label: 'Prompt created',
      target: 'prompt',
    }),
    'gateway.prompt.updated': event({
      operation: 'update',
      label: 'Prompt updated',
      target: 'prompt',
    }),
    'gateway.prompt.deleted': event({
      operation: 'delete',
      label: 'Prompt deleted',
      target: 'prompt',
    }),
    'gateway.user.listed': event({ operation: 'read', label: 'Users listed', data: page }),
    'gateway.user.read': event({ operation: 'read', label: 'User read', target: 'user' }),
    'gateway.user.created': event({
      operation: 'create',
      label: 'User created',
      target: 'user',
      severity: 'low',
    }),
    'gateway.user.updated': event({ operation: 'update', label: 'User updated', target: 'user' }),
    'gateway.user.deleted': event({
      operation: 'delete',
      label: 'User deleted',
      target: 'user',
      severity: 'medium',
    }),
    'gateway.token.listed': event({ operation: 'read', label: 'Tokens listed', data: page }),
    'gateway.token.issued': event({
      operation: 'create',
      label: 'Token issued',
      target: 'token',
      severity: 'low',
      data: scopes,
    }),
    'gateway.token.revoked': event({
      operation: 'delete',
      label: 'Token revoked',
      target: 'token',
      severity: 'low',
    }),
  },
});

/** An API gateway for tools, servers, resources, prompts, users and tokens: mostly reads and calls. */
export const gateway = defineCatalog(gatewayCategory);
