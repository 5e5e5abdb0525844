import type { EventEmitter } from 'node:events';
import { resumeContext, type Scope } from '../context/context.ts';

/**
 * Calls an emitter's listeners in a context, whoever makes it emit: a request's `data` and `end`
 * come from the socket, which knows nothing of the request's context.
 */
export function bindEmitter(emitter: EventEmitter, scope: Scope): void {
  const emit = emitter.emit.bind(emitter);
  emitter.emit = (...event) => resumeContext(scope, () => emit(...event));
}
