import type { FastifyInstance } from 'fastify';
import { changesBetween } from 'ledgerline';
import { z } from 'zod';
import { Caller, forbidden } from '../caller.ts';
import { httpError } from '../http-error.ts';
import { demand } from '../demand.ts';
import type { Panel } from '../panel.ts';

const NewContact = z.strictObject({
  name: z.string().min(1),
  email: z.email(),
  phone: z.string(),
  address: z.strictObject({ city: z.string(), country: z.string() }),
  tags: z.array(z.string()),
});
const Patch = z.strictObject({
  email: z.email().optional(),
  phone: z.string().optional(),
  address: NewContact.shape.address.partial().optional(),
  tags: z.array(z.string()).optional(),
});
interface OneContact {
  Params: { id: string };
}

export function contactRoutes(http: FastifyInstance, panel: Panel): void {
  const { ledger, store } = panel;
  http.post('/contacts', (request, reply) => {
    const caller = new Caller(request, store);
    const fields = NewContact.parse(request.body);
    demand(panel, caller, 'contacts:write');
    const contact = store.contacts.add(caller.tenant, fields);
    ledger.emit('contact.created', {
      target: { id: contact.id, name: contact.name },
      data: { origin: 'form' },
    });
    return reply.code(201).send(contact);
  });

  http.get<OneContact>('/contacts/:id', (request) => {
    const caller = new Caller(request, store);
    const contact = store.contacts.get(caller.tenant, request.params.id);
    ledger.emit('contact.viewed', {
      target: { id: contact.id, name: contact.name },
    });
    return contact;
  });

  http.patch<OneContact>('/contacts/:id', (request) => {
    const caller = new Caller(request, store);
    const contact = store.contacts.get(caller.tenant, request.params.id);
    const patch = Patch.parse(request.body);
    const attempt = { target: { id: contact.id, name: contact.name } };
    const refusal = caller.refusal('contacts:write');
    if (refusal !== undefined) {
      ledger.emit('contact.updated', { ...attempt, ...refusal });
      throw forbidden(refusal);
    }
    const { email = contact.email, phone = contact.phone, tags = contact.tags } = patch;
    const { city = contact.address.city, country = contact.address.country } = patch.address ?? {};
    const changed = { ...contact, email, phone, tags, address: { city, country } };
    const changes = changesBetween(contact, changed);
    const others = store.contacts.all(caller.tenant).filter(({ id }) => id !== contact.id);
    if (others.some((other) => other.email === email)) {
      const error = { code: 'EMAIL_TAKEN', message: 'Another contact has this address.' };
      ledger.emit('contact.updated', { ...attempt, changes, error });
      throw httpError(409, error.code, error.message);
    }
    ledger.emit('contact.updated', { ...attempt, changes, data: { origin: 'form' } });
    return store.contacts.put(changed);
  });

  http.get('/contacts', (request) => {
    const caller = new Caller(request, store);
    const found = store.contacts.all(caller.tenant);
    const attempt = { data: { format: 'json', count: found.length } };
    const refusal = caller.refusal('contacts:export');
    if (refusal !== undefined) {
      ledger.emit('contact.list.exported', { ...attempt, ...refusal });
      throw forbidden(refusal);
    }
    ledger.emit('contact.list.exported', attempt);
    return found;
  });
}
