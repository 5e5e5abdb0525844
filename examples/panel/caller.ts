import type { FastifyRequest } from 'fastify';
import type { ContextFields, Party } from 'ledgerline';
import { httpError, type HttpError } from './http-error.ts';
import { mayDo, type Permission, type Person } from './people.ts';
import type { Store } from './store.ts';

const asParty = ({ id, name }: Person): Party => ({ type: 'user', id, name });

/** Believes the headers: whatever stands in front of this service has checked them. */
function claimsOf({ headers }: FastifyRequest, { people }: Store) {
  const { 'x-user': id, 'x-on-behalf-of': other, 'x-tenant': tenant } = headers;
  return {
    person: people.get(String(id)),
    onBehalfOf: people.get(String(other)),
    tenant: tenant === undefined ? 'default' : String(tenant),
  };
}

const LOAD_BALANCER: Party = { type: 'system', id: 'load-balancer' };

/** What every event of a request says: who, on whose behalf, for whom. Events need not say it. */
export const identifyBy =
  (store: Store) =>
  (request: FastifyRequest): ContextFields => {
    if (request.routeOptions.url === '/health') return { actor: LOAD_BALANCER };
    const { person, onBehalfOf, tenant } = claimsOf(request, store);
    if (person === undefined) return {};
    return { tenant, actor: asParty(person), onBehalfOf: onBehalfOf && asParty(onBehalfOf) };
  };

/** What an event says of an action that was not allowed. */
export interface Refusal {
  readonly outcome: 'denied';
  readonly error: { readonly code: string; readonly message: string };
}

/** Who is asking, for which tenant, and what they may do. */
export class Caller {
  readonly tenant: string;
  readonly #person: Person;

  /** Throws 401. */
  constructor(request: FastifyRequest, store: Store) {
    const { person, tenant } = claimsOf(request, store);
    if (person === undefined) {
      throw httpError(401, 'UNKNOWN_USER', 'Say who you are in the header x-user.');
    }
    this.#person = person;
    this.tenant = tenant;
  }

  /** Why they may not, or undefined when they may. */
  refusal(permission: Permission): Refusal | undefined {
    if (mayDo(this.#person, permission)) return undefined;
    const message = `The role ${this.#person.role} does not include ${permission}.`;
    return { outcome: 'denied', error: { code: 'PERMISSION_MISSING', message } };
  }
}

/** The thing that another belongs to: an environment variable's app. Its history includes both. */
export const parent = (
  type: string,
  { id, name }: { readonly id: string; readonly name: string },
) => ({
  role: 'parent',
  type,
  id,
  name,
});

export const forbidden = ({ error }: Refusal): HttpError =>
  httpError(403, error.code, error.message);
