import { EventEmitter } from 'node:events';
import { resumeContext, type Scope } from '../context/context.ts';

const SCOPE = Symbol('ledgerline.scope');

type Emit = EventEmitter['emit'];
const plainEmit = Reflect.get(EventEmitter.prototype, 'emit') as Emit;

interface Bound extends EventEmitter {
  [SCOPE]?: Scope;
}

/** One function for all emitters: one of its own for each would cost more than all the rest. */
function emitInScope(this: Bound, ...event: Parameters<Emit>): boolean {
  // Most of what a request and its response emit is heard by nobody.
  if (this.listenerCount(event[0]) === 0) return plainEmit.apply(this, event);
  return emitHeard(this, event);
}

/** Apart from the above, where a closure would cost an allocation also for what nobody hears. */
function emitHeard(emitter: Bound, event: Parameters<Emit>): boolean {
  const scope = emitter[SCOPE];
  const emit = (): boolean => plainEmit.apply(emitter, event);
  return scope === undefined ? emit() : resumeContext(scope, emit);
}

/**
 * Calls an emitter's listeners in a context, whoever makes it emit: a request's `data` and `end`
 * come from the socket, which knows nothing of the request's context.
 */
export function bindEmitter(emitter: EventEmitter, scope: Scope): void {
  const bound: Bound = emitter;
  // Somebody else's `emit` is theirs: tracers have their own ways to do the same.
  if (bound.emit !== plainEmit) return;
  bound[SCOPE] = scope;
  bound.emit = emitInScope as Emit;
}
