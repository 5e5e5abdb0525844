import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { Caller, forbidden } from '../caller.ts';
import { httpError } from '../http-error.ts';
import type { Panel } from '../panel.ts';
import { ROLES } from '../people.ts';

const NewRole = z.strictObject({ role: z.enum(ROLES), reason: z.string().min(1) });

/** Who may do what. The category is protected: no policy silences it. */
export function teamRoutes(http: FastifyInstance, { ledger, store }: Panel): void {
  http.put<{ Params: { id: string } }>('/team/:id/role', async (request) => {
    const caller = new Caller(request, store);
    const person = store.people.get(request.params.id);
    if (person === undefined) throw httpError(404, 'NOT_FOUND', 'There is no such person.');
    const { role, reason } = NewRole.parse(request.body);
    const attempt = {
      target: { id: person.id, name: person.name },
      data: { role },
      reason,
    };
    const refusal = caller.refusal('team:write');
    if (refusal !== undefined) {
      ledger.emit('authorization.role.granted', { ...attempt, ...refusal });
      throw forbidden(refusal);
    }
    // Durable: the role is given once Kafka has it on all in-sync replicas, or not at all.
    const receipt = await ledger.record('authorization.role.granted', {
      ...attempt,
      changes: [{ op: 'replace', path: '/role', old: person.role, new: role }],
    });
    person.role = role;
    return { id: person.id, role, receipt };
  });
}
