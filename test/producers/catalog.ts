import { z } from 'zod';
import { category, defineCatalog, event, type Logger } from '../../producers/index.ts';

/** A small catalog with one of each kind: reads and writes, protected, free-form, aliased, versioned. */
export const app = category('app', {
  label: 'App',
  icon: 'box',
  events: {
    'app.created': event({ operation: 'create', label: 'App created', target: 'app' }),
    'app.viewed': event({ operation: 'read', label: 'App viewed', target: 'app' }),
    'app.env_var.updated': event({
      operation: 'update',
      label: 'Environment variable updated',
      target: 'env_var',
      aliases: ['env_changed'],
      data: z.strictObject({ key: z.string(), restart: z.boolean().default(false) }),
    }),
    'app.deleted': event({
      operation: 'delete',
      label: 'App deleted',
      target: 'app',
      requiresReason: true,
    }),
    'app.checked': event({ operation: 'execute', label: 'Checked', aliases: ['health_check'] }),
  },
});

export const security = category('security', {
  label: 'Security',
  icon: 'shield',
  events: {
    'security.key.viewed': event({ operation: 'read', label: 'Key viewed', target: 'ssh_key' }),
  },
});

const server = category('server', {
  label: 'Server',
  icon: 'server',
  freeForm: true,
  events: {},
});

export const catalog = defineCatalog(app, security, server);

export const actor = { type: 'user', id: 'u_7', name: 'Ada' } as const;

/** An event that every policy but `deletes_only` and `failures_only` keeps. */
export const update = (n = 1) =>
  ({ actor, target: { id: `env_${n}` }, data: { key: 'DATABASE_URL' } }) as const;

/** A logger that remembers its lines. */
export function lineLogger(): Logger & { readonly lines: string[] } {
  const lines: string[] = [];
  const log =
    (level: string) =>
    (_fields: object, message: string): void => {
      lines.push(`${level}: ${message}`);
    };
  return { lines, info: log('info'), warn: log('warn'), error: log('error') };
}
