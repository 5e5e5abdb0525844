import type { FastifyRequest } from 'fastify';
import type { Party, RelatedParty } from 'ledgerline';
import { httpError, type HttpError } from './http-error.ts';
import { mayDo, type Permission, type Person } from './people.ts';
import type { Store } from './store.ts';

const asParty = ({ id, name }: Person): Party => ({ type: 'user', id, name });

/** What an event says of an action that was not allowed. */
export interface Refusal {
  readonly outcome: 'denied';
  readonly error: { readonly code: string; readonly message: string };
}

/** Who is asking, for whom, and what they may do. */
export class Caller {
  readonly tenant: string;
  readonly #person: Person;
  readonly #onBehalfOf: Person | undefined;
  readonly #request: FastifyRequest;

  /** Believes the headers: whatever stands in front of this service has checked them. Throws 401. */
  constructor(request: FastifyRequest, { people }: Store) {
    const { 'x-user': id, 'x-on-behalf-of': other, 'x-tenant': tenant } = request.headers;
    const person = people.get(String(id));
    if (person === undefined) {
      throw httpError(401, 'UNKNOWN_USER', 'Say who you are in the header x-user.');
    }
    this.#person = person;
    this.#onBehalfOf = other === undefined ? undefined : people.get(String(other));
    this.tenant = tenant === undefined ? 'default' : String(tenant);
    this.#request = request;
  }

  /** What every event of this request says: who, on whose behalf, for whom, from where. */
  says(...related: readonly RelatedParty[]) {
    const { ip, id, headers } = this.#request;
    const behalf = this.#onBehalfOf && { role: 'on_behalf_of', ...asParty(this.#onBehalfOf) };
    return {
      tenant: this.tenant,
      actor: asParty(this.#person),
      related: behalf === undefined ? related : [...related, behalf],
      sourceIp: ip,
      correlationId: id,
      // https://www.w3.org/TR/trace-context/#traceparent-header
      traceId: /^00-([0-9a-f]{32})-/.exec(String(headers['traceparent']))?.[1],
    };
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
