import { notFound } from './http-error.ts';
import { firstPeople, type Person } from './people.ts';

export interface Owned {
  readonly id: string;
  readonly tenant: string;
}

export interface Server extends Owned {
  readonly name: string;
  readonly region: string;
  readonly size: string;
}
export interface FirewallRule extends Owned {
  readonly serverId: string;
  readonly port: number;
  readonly source: string;
}
export interface App extends Owned {
  readonly name: string;
  readonly serverId: string;
}
export interface EnvVar extends Owned {
  readonly key: string;
  readonly value: string;
}
export interface DeployKey extends Owned {
  readonly appId: string;
  readonly title: string;
  readonly fingerprint: string;
}
export interface Domain extends Owned {
  readonly appId: string;
  readonly name: string;
  readonly verified: boolean;
}
export interface Contact extends Owned {
  readonly name: string;
  readonly email: string;
  readonly phone: string;
  readonly address: { readonly city: string; readonly country: string };
  readonly tags: readonly string[];
}
export interface Tool extends Owned {
  readonly name: string;
  readonly server: string;
  readonly restricted: boolean;
  readonly maxInputBytes: number;
}
/** The newest configuration kept of a device. */
export interface Snapshot extends Owned {
  readonly digest: string;
  readonly lines: readonly string[];
}

/** One kind of thing, each in its tenant. */
export class Collection<T extends Owned> {
  readonly #things = new Map<string, T>();
  readonly #prefix: string;
  #last = 0;

  constructor(prefix: string) {
    this.#prefix = prefix;
  }

  add(tenant: string, fields: Omit<T, keyof Owned>): T {
    this.#last += 1;
    const thing = { id: `${this.#prefix}_${this.#last}`, tenant, ...fields } as T;
    return this.put(thing);
  }

  put(thing: T): T {
    this.#things.set(`${thing.tenant}/${thing.id}`, thing);
    return thing;
  }

  find(tenant: string, id: string): T | undefined {
    return this.#things.get(`${tenant}/${id}`);
  }

  /** Throws 404. */
  get(tenant: string, id: string): T {
    const thing = this.find(tenant, id);
    if (thing === undefined) throw notFound(id);
    return thing;
  }

  all(tenant: string): T[] {
    return [...this.#things.values()].filter((thing) => thing.tenant === tenant);
  }

  /** Answers whether it was there. */
  remove({ tenant, id }: T): boolean {
    return this.#things.delete(`${tenant}/${id}`);
  }
}

/** What the service knows, for as long as it runs. */
export class Store {
  readonly people = new Map<string, Person>(firstPeople().map((person) => [person.id, person]));
  readonly servers = new Collection<Server>('srv');
  readonly firewallRules = new Collection<FirewallRule>('rule');
  readonly apps = new Collection<App>('app');
  readonly envVars = new Collection<EnvVar>('env');
  readonly deployKeys = new Collection<DeployKey>('key');
  readonly domains = new Collection<Domain>('dom');
  readonly contacts = new Collection<Contact>('con');
  readonly tools = new Collection<Tool>('tool');
  readonly snapshots = new Collection<Snapshot>('snap');
}
