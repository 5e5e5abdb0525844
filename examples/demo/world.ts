import type { Action, Answer } from './panel-client.ts';

/** What one tenant has, by the ids that the panel gave out. */
export interface Tenant {
  readonly name: string;
  readonly servers: string[];
  readonly apps: string[];
  readonly domains: string[];
  readonly deployKeys: string[];
  readonly contacts: string[];
  readonly tools: string[];
  readonly restrictedTools: string[];
}

const TENANTS = ['acme', 'globex', 'initech'] as const;
const APPS = ['shop', 'blog', 'billing', 'search'] as const;
export const ENV_KEYS = ['LOG_LEVEL', 'WORKERS', 'DATABASE_URL'] as const;
export const DEVICES = ['core-1', 'core-2', 'edge-1', 'edge-2', 'edge-3'] as const;
const TOOLS = [
  'search',
  'translate',
  'summarize',
  'weather',
  'calendar',
  'tickets',
  'wiki',
] as const;
const RESTRICTED = ['shell', 'payroll'] as const;
const SERVERS = 3;
const CONTACTS = 20;
const ADMIN = 'u_1';

const emptyTenant = (name: string): Tenant => ({
  name,
  servers: [],
  apps: [],
  domains: [],
  deployKeys: [],
  contacts: [],
  tools: [],
  restrictedTools: [],
});

export const newWorld = (): Tenant[] => TENANTS.map(emptyTenant);

export const into =
  (ids: string[]) =>
  ({ json }: Answer): void =>
    void ids.push((json as { readonly id: string }).id);

/** The requests that furnish a tenant; each may use what the one before has made. */
export function* furnish(tenant: Tenant): Generator<Action> {
  const post = (path: string, body: unknown, ids?: string[]): Action => ({
    method: 'POST',
    path,
    tenant: tenant.name,
    user: ADMIN,
    body,
    learn: ids && into(ids),
  });
  for (let n = 1; n <= SERVERS; n += 1) {
    yield post('/servers', { name: `web-${n}`, region: 'fra', size: 'small' }, tenant.servers);
  }
  for (const [index, name] of APPS.entries()) {
    yield post('/apps', { name, serverId: tenant.servers[index % SERVERS] }, tenant.apps);
    const app = tenant.apps.at(-1);
    const domain = { name: `${name}.${tenant.name}.example` };
    yield post(`/apps/${app}/domains`, domain, tenant.domains);
    for (const key of ENV_KEYS) {
      const body = { value: key === 'LOG_LEVEL' ? 'info' : '1' };
      yield { ...post('', body), method: 'PUT', path: `/apps/${app}/env/${key}` };
    }
  }
  for (const name of [...TOOLS, ...RESTRICTED]) {
    const restricted = (RESTRICTED as readonly string[]).includes(name);
    const tool = { name, server: `${name}-server`, restricted, maxInputBytes: 400 };
    yield post('/tools', tool, restricted ? tenant.restrictedTools : tenant.tools);
  }
  for (let n = 1; n <= CONTACTS; n += 1) {
    yield post('/contacts', contactNumber(n), tenant.contacts);
  }
}

export const contactNumber = (n: number) => ({
  name: `Contact ${n}`,
  email: emailNumber(n),
  phone: `+49 30 ${1_000_000 + n}`,
  address: { city: 'Berlin', country: 'DE' },
  tags: ['newsletter'],
});

export const emailNumber = (n: number): string => `contact-${n}@customers.example`;
