import type { Action } from './panel-client.ts';
import { Random } from './random.ts';
import { contactNumber, DEVICES, emailNumber, ENV_KEYS, into, type Tenant } from './world.ts';

const ADMINS = ['u_1', 'u_2'] as const;
const DEVELOPERS = ['u_3', 'u_4', 'u_5'] as const;
const SUPPORT = ['u_6', 'u_7'] as const;
const VIEWER = 'u_8';
const EVERYONE = [...ADMINS, ...DEVELOPERS, ...SUPPORT, VIEWER] as const;

/** How often each happens. A gateway's reads make up two thirds, as they do in real ones. */
const MIX = {
  health: 60,
  'tools listed': 240,
  'tool read': 380,
  'tool invoked': 110,
  'restricted tool': 8,
  'tool deleted': 2,
  'contact viewed': 50,
  'contact changed': 32,
  'contact added': 4,
  'contacts exported': 4,
  'variable set': 24,
  'variable revealed': 10,
  'key added': 5,
  'key removed': 4,
  'role given': 2,
  'token issued': 2,
  deployment: 14,
  'domain verified': 5,
  'server rebooted': 4,
  'server resized': 3,
  'server noted': 4,
  'port opened': 4,
  'scheduled backup': 16,
  'manual backup': 5,
  'collector report': 6,
  'sign-in': 9,
} as const;

/** What a variable may hold; a database's URL is new with its password each time. */
const VALUES: Readonly<Record<(typeof ENV_KEYS)[number], (serial: number) => string[]>> = {
  LOG_LEVEL: () => ['debug', 'info', 'warn'],
  WORKERS: () => ['2', '4', '8'],
  DATABASE_URL: (serial) => [`postgres://app:pw-${serial}@db.internal/shop`],
};

const REPORTS = [
  { action: 'config_snapshot_created', resourceType: 'router', snapshotId: 'snap-7' },
  { action: 'config_snapshot_skipped_duplicate', resourceType: 'router' },
  { action: 'config_diff_generated', resourceType: 'switch', details: { lines: 12 } },
  { action: 'config_backup_manual_trigger', resourceType: 'firewall' },
] as const;

/** What people and machines ask of the panel, one action after the other: the same in every run. */
export class Scenario {
  readonly #world: readonly Tenant[];
  readonly #random = new Random(20_260);
  #serial = 0;

  constructor(world: readonly Tenant[]) {
    this.#world = world;
  }

  *take(howMany: number): Generator<Action> {
    for (let left = howMany; left > 0; left -= 1) yield this.#next();
  }

  #next(): Action {
    this.#serial += 1;
    const serial = this.#serial;
    const random = this.#random;
    const tenant = random.pick(this.#world);
    const ask = (
      user: string,
      method: Action['method'],
      path: string,
      body?: unknown,
      more: Pick<Action, 'learn' | 'onBehalfOf'> = {},
    ): Action => ({ tenant: tenant.name, user, method, path, body, ...more });
    /** Mostly somebody who may, sometimes somebody who may not. */
    const mostly = (those: readonly string[]): string =>
      random.chance(0.04) ? VIEWER : random.pick(those);
    const app = (): string => `/apps/${random.pick(tenant.apps)}`;
    const server = (): string => `/servers/${random.pick(tenant.servers)}`;
    const contact = (): string => `/contacts/${random.pick(tenant.contacts)}`;
    const tool = (): string => `/tools/${random.pick(tenant.tools)}`;
    const backup = (trigger: 'schedule' | 'manual', changed: boolean) => ({
      trigger,
      resourceType: 'router',
      configuration: ['hostname core', 'ip route 0.0.0.0/0', changed ? `# ${serial}` : '#'].join(
        '\n',
      ),
    });

    const what = random.weighted(MIX);
    switch (what) {
      case 'health':
        return ask(VIEWER, 'GET', '/health');
      case 'tools listed':
        return ask(random.pick(EVERYONE), 'GET', '/tools');
      case 'tool read':
        return ask(random.pick(EVERYONE), 'GET', tool());
      case 'tool invoked': {
        const text = 'x'.repeat(random.chance(0.06) ? 500 : random.below(200));
        const input = { text };
        return ask(random.pick(EVERYONE), 'POST', `${tool()}/invocations`, { input });
      }
      case 'restricted tool': {
        const path = `/tools/${random.pick(tenant.restrictedTools)}/invocations`;
        return ask(random.pick(EVERYONE), 'POST', path, { input: { text: 'uptime' } });
      }
      case 'tool deleted':
        return ask(random.pick([...DEVELOPERS, VIEWER]), 'DELETE', tool());
      case 'contact viewed':
        return ask(random.pick(EVERYONE), 'GET', contact());
      case 'contact changed': {
        const taken = random.chance(0.03);
        const city = random.pick(['Berlin', 'Lyon', 'Porto', 'Graz']);
        const patch = taken
          ? { email: emailNumber(1) }
          : { phone: `+49 40 ${2_000_000 + serial}`, address: { city } };
        const path = taken ? `/contacts/${tenant.contacts.at(-1)}` : contact();
        return ask(mostly(SUPPORT), 'PATCH', path, patch);
      }
      case 'contact added': {
        const body = contactNumber(1_000 + serial);
        return ask(random.pick(SUPPORT), 'POST', '/contacts', body, {
          learn: into(tenant.contacts),
        });
      }
      case 'contacts exported':
        return ask(random.pick([...ADMINS, ...SUPPORT]), 'GET', '/contacts');
      case 'variable set': {
        const key = random.pick(ENV_KEYS);
        const value = random.pick(VALUES[key](serial));
        return ask(mostly(DEVELOPERS), 'PUT', `${app()}/env/${key}`, { value });
      }
      case 'variable revealed':
        return ask(mostly(DEVELOPERS), 'GET', `${app()}/env/DATABASE_URL`);
      case 'key added': {
        const body = { title: 'ci', publicKey: `ssh-ed25519 AAAA${serial}` };
        const user = random.pick(DEVELOPERS);
        const learn = into(tenant.deployKeys);
        return ask(user, 'POST', `${app()}/deploy-keys`, body, { learn });
      }
      case 'key removed': {
        const id = tenant.deployKeys.shift();
        const user = random.pick(DEVELOPERS);
        // None to remove yet: somebody who may not have one asks for it.
        if (id !== undefined) return ask(user, 'DELETE', `/deploy-keys/${id}`);
        const body = { title: 'laptop', publicKey: `ssh-ed25519 BBBB${serial}` };
        return ask(VIEWER, 'POST', `${app()}/deploy-keys`, body);
      }
      case 'role given': {
        // Always the role they have: the same people may do the same things throughout.
        const body = { role: 'developer', reason: 'quarterly access review' };
        const user = random.chance(0.3) ? 'u_5' : random.pick(ADMINS);
        return ask(user, 'PUT', `/team/${random.pick(DEVELOPERS)}/role`, body);
      }
      case 'token issued':
        return ask(mostly(DEVELOPERS), 'POST', '/tokens', { name: `ci-${serial}` });
      case 'deployment': {
        const failed = random.chance(0.15);
        return ask(mostly(DEVELOPERS), 'POST', `${app()}/deployments`, {
          revision: failed ? `release-${serial}` : serial.toString(16).padStart(7, '0'),
        });
      }
      case 'domain verified': {
        const domain = random.pick(tenant.domains);
        const body = random.chance(0.4) ? {} : { txtRecord: domain };
        return ask(random.pick(DEVELOPERS), 'POST', `/domains/${domain}/verifications`, body);
      }
      case 'server rebooted': {
        const onBehalfOf = random.chance(0.5) ? random.pick(SUPPORT) : undefined;
        const user = mostly(DEVELOPERS);
        return ask(user, 'POST', `${server()}/reboots`, undefined, { onBehalfOf });
      }
      case 'server resized':
        return ask(mostly(DEVELOPERS), 'PATCH', server(), {
          size: random.pick(['small', 'large']),
        });
      case 'server noted':
        return ask(random.pick(DEVELOPERS), 'POST', `${server()}/notes`, { text: 'SSH key added' });
      case 'port opened': {
        const body = {
          port: 5_432,
          source: '10.0.0.0/8',
          reason: 'the new replica reads from here',
        };
        return ask(mostly(DEVELOPERS), 'POST', `${server()}/firewall-rules`, body);
      }
      case 'scheduled backup': {
        const path = `/devices/${random.pick(DEVICES)}/backups`;
        return ask('u_3', 'POST', path, backup('schedule', random.chance(0.3)));
      }
      case 'manual backup': {
        const path = `/devices/${random.pick(DEVICES)}/backups`;
        return ask(mostly(DEVELOPERS), 'POST', path, backup('manual', random.chance(0.5)));
      }
      case 'collector report': {
        const path = `/devices/${random.pick(DEVICES)}/reports`;
        return ask('u_4', 'POST', path, random.pick(REPORTS));
      }
      case 'sign-in':
        return ask(VIEWER, 'POST', '/sessions', {
          user: random.chance(0.2) ? 'mallory' : random.pick(EVERYONE),
        });
    }
  }
}
