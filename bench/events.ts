import {
  type AuditEvent,
  type Change,
  checkInput,
  configBackup,
  contacts,
  defineCatalog,
  formatMicros,
  gateway,
  infrastructure,
  type ResolvedEvent,
  uuidv7,
} from '../schemas/index.ts';
import { type Kind, KINDS, valueAt } from './events/kinds.ts';
import { actor, type Actor, type Thing, thingsOf } from './events/people.ts';
import { Random } from './events/random.ts';

const TENANTS = 50;
const ACTORS_PER_TENANT = 100;
const TARGETS_PER_TENANT = 400;
/** The gateway that asked for a ledger wrote 995,412 rows in this time. */
const SPAN_MS = 7 * 3_600_000;
const SESSION_MS = 3_600_000;

const CATALOG = defineCatalog(infrastructure, gateway, contacts, configBackup);
const FAILURES = [
  { code: 'UPSTREAM_TIMEOUT', message: 'no answer within 30 s' },
  { code: 'CONFLICT', message: 'changed by someone else in the meantime' },
];
const DENIAL = { code: 'FORBIDDEN', message: 'the role lacks this permission' };

/** One event and what Kafka needs to know beside it. */
export interface Emitted {
  readonly event: AuditEvent;
  /** When the producer's batch reached Kafka, in milliseconds since 1970. */
  readonly sentAt: number;
}

interface Declared extends Kind {
  readonly definition: ResolvedEvent;
  readonly target: string;
}

/**
 * The mix of four built-in catalogs as the level `writes_only` keeps it: `total` events over the
 * seven hours before `endMs`, in order, from 50 tenants, 5,000 actors, on 20,000 targets, with one
 * to three changes and a random trace and correlation id each; 4% failed, 2% were denied.
 */
export class EventStream {
  readonly #random = new Random(20_261_122);
  readonly #total: number;
  readonly #startMs: number;
  readonly #roulette: readonly Declared[];
  readonly #actors: readonly Actor[];
  readonly #targets: ReadonlyMap<string, readonly Thing[]>[];
  readonly #producers: ReadonlyMap<string, { readonly id: string; seq: number }[]>;
  #made = 0;

  constructor(total: number, endMs: number) {
    const random = this.#random;
    this.#total = total;
    this.#startMs = endMs - SPAN_MS;
    const kinds = KINDS.map((kind) => declared(kind, random));
    this.#roulette = kinds.flatMap((kind) => Array.from({ length: kind.share }, () => kind));
    this.#actors = Array.from({ length: TENANTS * ACTORS_PER_TENANT }, (_, n) => actor(n, random));
    const types = [...new Set(kinds.map(({ target }) => target))];
    this.#targets = Array.from({ length: TENANTS }, () => {
      const things = thingsOf(types, TARGETS_PER_TENANT, random);
      return new Map(types.map((type) => [type, things.filter((thing) => thing.type === type)]));
    });
    const services = [...new Set(kinds.map(({ service }) => service))];
    const replicas = () => [1, 2].map(() => ({ id: random.uuid(), seq: 0 }));
    this.#producers = new Map(services.map((service) => [service, replicas()]));
  }

  next(): Emitted {
    const random = this.#random;
    const atMs = this.#startMs + (this.#made * SPAN_MS) / this.#total;
    this.#made += 1;
    return {
      event: this.#event(random.of(this.#roulette), atMs),
      sentAt: Math.floor(atMs) + 2 + random.below(40),
    };
  }

  #event(kind: Declared, atMs: number): AuditEvent {
    const random = this.#random;
    const { definition } = kind;
    const tenant = random.skewed(TENANTS);
    const who = this.#actors[
      tenant * ACTORS_PER_TENANT + random.skewed(ACTORS_PER_TENANT)
    ] as Actor;
    const things = this.#targets[tenant]?.get(kind.target) ?? [];
    const thing = things[random.skewed(things.length)] as Thing;
    const luck = random.fraction();
    const outcome = luck < 0.04 ? 'failure' : luck < 0.06 ? 'denied' : 'success';
    const producer = random.of(this.#producers.get(kind.service) ?? []);
    producer.seq += 1;
    return {
      id: uuidv7(Math.floor(atMs)),
      type: kind.type,
      version: definition.version,
      category: definition.category,
      operation: definition.operation,
      outcome,
      severity: definition.severity,
      occurredAt: formatMicros(Math.floor(atMs * 1000)) ?? new Date(atMs),
      tenant: `tenant_${tenant}`,
      actor: { type: who.type, id: who.id, name: who.name },
      target: { type: thing.type, id: thing.id, name: thing.name },
      related: kind.parent
        ? [{ role: 'parent', type: kind.parent, id: thing.parentId, name: 'storefront' }]
        : undefined,
      sourceIp: who.address,
      service: kind.service,
      producer: { id: producer.id, seq: producer.seq },
      traceId: random.hex32(),
      correlationId: random.uuid(),
      reason: random.chance(0.1) ? `ticket OPS-${random.below(9_000)}` : undefined,
      error:
        outcome === 'success' ? undefined : outcome === 'denied' ? DENIAL : random.of(FAILURES),
      changes: Array.from({ length: 1 + random.below(3) }, () => change(kind, random)),
      data: kind.data?.(random),
      execution: kind.command
        ? { command: kind.command, exit_code: 0, duration_ms: random.around(900), output: 'ok' }
        : undefined,
      retentionClass: definition.retentionClass,
      policy: { level: 'writes_only', weight: 1 },
      attributes: { 'session.id': `${who.id.slice(4, 10)}-${Math.floor(atMs / SESSION_MS)}` },
    };
  }
}

/** The kind with its catalog's definition; its data must be what the catalog asks for. */
function declared(kind: Kind, random: Random): Declared {
  const definition = CATALOG.resolve(kind.type);
  if (definition?.target === undefined) throw CATALOG.explain(kind.type);
  const check = checkInput(definition, { target: {}, data: kind.data?.(random) });
  if (!check.ok) throw check.error;
  return { ...kind, definition, target: definition.target };
}

function change({ definition, paths }: Declared, random: Random): Change {
  const path = random.of(paths);
  const value = valueAt(path, random);
  return definition.operation === 'create'
    ? { op: 'add', path, new: value }
    : { op: 'replace', path, old: valueAt(path, random), new: value };
}
