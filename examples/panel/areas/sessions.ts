import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { httpError } from '../http-error.ts';
import type { Panel } from '../panel.ts';

const SignIn = z.strictObject({ user: z.string().min(1).max(100) });

export function sessionRoutes(http: FastifyInstance, { ledger, store }: Panel): void {
  http.post('/sessions', (request, reply) => {
    const { user } = SignIn.parse(request.body);
    const person = store.people.get(user);
    const attempt = { data: { method: 'passkey' } };
    if (person === undefined) {
      const error = { code: 'UNKNOWN_USER', message: 'Nobody has this passkey.' };
      const actor = { type: 'anonymous', id: 'anonymous' };
      ledger.emit('security.sign_in.attempted', { ...attempt, actor, outcome: 'denied', error });
      throw httpError(401, error.code, error.message);
    }
    const actor = { type: 'user', id: person.id, name: person.name };
    ledger.emit('security.sign_in.attempted', { ...attempt, actor });
    return reply.code(201).send({ id: person.id, role: person.role });
  });
}
