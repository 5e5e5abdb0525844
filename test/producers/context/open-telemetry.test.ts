import { context, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { BasicTracerProvider } from '@opentelemetry/sdk-trace-base';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, test } from 'vitest';
import { activeTraceId } from '../../../producers/context/open-telemetry.ts';
import { createLedger } from '../../../producers/index.ts';
import { memoryTransport } from '../../../producers/testing.ts';
import { actor, catalog, lineLogger } from '../catalog.ts';

afterEach(() => {
  context.disable();
  trace.disable();
});

const input = { actor, target: { id: 'app_1' } };

describe('R-REC-09: OpenTelemetry, where a service has it', () => {
  test('the active span gives its trace; what is said on purpose wins', async () => {
    const provider = new BasicTracerProvider();
    context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
    trace.setGlobalTracerProvider(provider);
    const transport = memoryTransport();
    await using ledger = createLedger({
      service: 'panel',
      catalog,
      transport,
      logger: lineLogger(),
    });
    const said = 'f'.repeat(32);
    let active = '';
    await trace.getTracer('test').startActiveSpan('deploy', async (span) => {
      active = span.spanContext().traceId;
      await sleep(1);
      ledger.emit('app.created', input);
      ledger.emit('app.created', { ...input, traceId: said });
      ledger.run({ traceId: said }, () => ledger.emit('app.created', input));
      span.end();
    });
    ledger.emit('app.created', input);
    await ledger.flush();
    const traces = transport.events().map(({ traceId }) => traceId);
    expect(active).toMatch(/^[0-9a-f]{32}$/);
    expect(traces).toEqual([active, said, said, undefined]);
    await provider.shutdown();
  });

  test('without a span, without a manager, or with one that throws there is none', () => {
    expect(activeTraceId()).toBeUndefined();
    context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
    expect(activeTraceId()).toBeUndefined();
    context.disable();
    context.setGlobalContextManager(
      Object.assign(new AsyncLocalStorageContextManager(), {
        active: () => {
          throw new Error('no');
        },
      }),
    );
    expect(activeTraceId()).toBeUndefined();
  });

  test('a trace of zeros is no trace', () => {
    context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
    const none = { traceId: '0'.repeat(32), spanId: '0'.repeat(16), traceFlags: 0 };
    const active = trace.setSpan(context.active(), trace.wrapSpanContext(none));
    context.with(active, () => expect(activeTraceId()).toBeUndefined());
  });
});
