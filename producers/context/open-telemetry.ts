/**
 * OpenTelemetry's active trace, where a service has loaded `@opentelemetry/api` 1.x: through the
 * symbols under which that package shares its state between copies of itself, so that it need not
 * be a dependency. Both are `Symbol.for` in its sources for that reason: `internal/global-utils.ts`
 * and `trace/context-utils.ts`.
 */
const API = Symbol.for('opentelemetry.js.api.1');
const SPAN = Symbol.for('OpenTelemetry Context Key SPAN');
const INVALID = '0'.repeat(32);

interface OpenTelemetry {
  readonly context?: { active(): { getValue(key: symbol): ActiveSpan | undefined } };
}
interface ActiveSpan {
  spanContext(): { readonly traceId: string };
}

/** The active span's trace id: 32 hexadecimal digits. Never throws. */
export function activeTraceId(): string | undefined {
  const api = (globalThis as { readonly [API]?: OpenTelemetry })[API];
  if (api?.context === undefined) return undefined;
  try {
    const traceId = api.context.active().getValue(SPAN)?.spanContext().traceId;
    return traceId === INVALID ? undefined : traceId;
  } catch {
    // A context manager of somebody else's that fails costs the event its trace, nothing more.
    return undefined;
  }
}
