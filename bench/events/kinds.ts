import type { Random } from './random.ts';

/** Something that happens again and again in one of the four products that the catalogs are for. */
export interface Kind {
  /** As the built-in catalogs declare it. */
  readonly type: string;
  readonly service: string;
  /** How often, beside the others. */
  readonly share: number;
  /** Fields of the target that change. */
  readonly paths: readonly string[];
  readonly data?: (random: Random) => Readonly<Record<string, unknown>>;
  /** Type of the target's parent, where it has one. */
  readonly parent?: string;
  readonly command?: string;
}

const variable = (random: Random) => ({
  key: random.of(['DATABASE_URL', 'REDIS_URL', 'SMTP_HOST', 'FEATURE_SEARCH']),
});
const revision = (random: Random) => ({
  revision: random.hex8(),
  durationMs: random.around(40_000),
});
const call = (random: Random) => ({
  durationMs: random.around(35),
  server: `server_${random.skewed(40)}`,
  inputBytes: random.around(300),
  outputBytes: random.around(2_000),
});
const origin = (random: Random) => ({ origin: random.of(['form', 'import', 'api', 'phone']) });
const resourceType = (random: Random) => random.of(['router', 'switch', 'firewall']);
const snapshot = (random: Random) => ({
  resourceType: resourceType(random),
  snapshotId: `snap_${random.hex8()}`,
  bytes: 20_000 + random.around(60_000),
});
const difference = (random: Random) => ({
  resourceType: resourceType(random),
  addedLines: random.around(6),
  removedLines: random.around(5),
});

const panel = { service: 'control-panel', parent: 'project' };
const gateway = { service: 'tool-gateway' };
const contacts = { service: 'contacts' };
const devices = { service: 'config-backup', parent: 'site' };

const TOOL = ['/description', '/enabled', '/timeout_ms'];
const CONTACT = ['/email', '/phones/0/number', '/address/city', '/address/street', '/name/last'];
const DEVICE = ['/interfaces/0/description', '/ntp/servers/0', '/hostname', '/snmp/location'];

// prettier-ignore
export const KINDS: readonly Kind[] = [
  { ...panel, type: 'app.updated', share: 6, paths: ['/image', '/memory_mb', '/owner'] },
  { ...panel, type: 'app.env_var.updated', share: 8, paths: ['/value', '/environment'], data: variable },
  { ...panel, type: 'deployment.finished', share: 6, paths: ['/image', '/commit', '/replicas'], data: revision },
  { ...panel, type: 'domain.added', share: 2, paths: ['/name', '/certificate'] },
  { ...panel, type: 'server.updated', share: 2, paths: ['/memory_mb', '/labels/tier', '/region'] },
  { ...panel, type: 'server.command.run', share: 1, paths: ['/checked_at'], command: 'systemctl restart web' },
  { ...gateway, type: 'gateway.tool.invoked', share: 22, paths: ['/last_used_at', '/calls'], data: call },
  { ...gateway, type: 'gateway.tool.updated', share: 5, paths: TOOL },
  { ...gateway, type: 'gateway.resource.updated', share: 5, paths: ['/uri', '/mime_type'] },
  { ...gateway, type: 'gateway.prompt.updated', share: 3, paths: ['/name', '/template'] },
  { ...contacts, type: 'contact.updated', share: 20, paths: CONTACT, data: origin },
  { ...contacts, type: 'contact.created', share: 6, paths: CONTACT, data: origin },
  { ...contacts, type: 'contact.deleted', share: 1, paths: CONTACT },
  { ...devices, type: 'config_backup.snapshot.created', share: 8, paths: DEVICE, data: snapshot },
  { ...devices, type: 'config_backup.diff.generated', share: 4, paths: DEVICE, data: difference },
];

/** What a changed field held: numbers, versions, short words, as the path suggests. */
export function valueAt(path: string, random: Random): unknown {
  switch (path) {
    case '/replicas':
    case '/calls':
      return random.around(6);
    case '/memory_mb':
    case '/timeout_ms':
      return 256 * (1 + random.below(16));
    case '/enabled':
      return random.chance(0.5);
    case '/image':
      return `registry.example/shop:1.${random.below(40)}.${random.below(20)}`;
    case '/commit':
    case '/value':
    case '/certificate':
      return random.hex8();
    case '/email':
      return `person.${random.below(20_000)}@example.com`;
    case '/phones/0/number':
      return `+49 30 ${1_000_000 + random.below(8_999_999)}`;
    case '/last_used_at':
    case '/checked_at':
      return `2026-11-22T${10 + random.below(14)}:${10 + random.below(50)}:${10 + random.below(50)}Z`;
    case '/address/street':
      return `Musterstraße ${1 + random.below(200)}`;
    default:
      return random.of(WORDS);
  }
}

// prettier-ignore
const WORDS = [
  'production', 'staging', 'gold', 'silver', 'Berlin', 'Hamburg', 'Köln', 'uplink to core-1',
  'rack 12, row 3', 'ntp1.example.net', 'text/markdown', 'Summarise the ticket', 'Nakamura',
  'O’Brien', 'García', 'file:///srv/docs/handbook.md', 'permit tcp any any eq 443',
];
