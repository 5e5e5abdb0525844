/**
 * A service that audits something and then lets its ledger close by itself, on the OCCASION it is
 * told; where it is told to DRAIN, only after it has done what it had in hand. Runs from dist/.
 */
import { category, createLedger, defineCatalog, event } from '../../producers/index.ts';
import type { ClosingOccasion } from '../../producers/index.ts';

const { BROKERS = '', TOPIC = '', OCCASION = '', DRAIN } = process.env;
const noted = event({ operation: 'create', label: 'Noted', target: 'thing' });
const common = { label: 'Test', icon: 'box' } as const;

/** A request that was under way, and says what it did when it is done. */
async function finishRequest(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 200));
  ledger.emit('memory.noted', { target: { id: 'last' } });
}

const ledger = createLedger({
  service: 'service',
  catalog: defineCatalog(category('memory', { ...common, events: { 'memory.noted': noted } })),
  kafka: { brokers: [BROKERS] },
  topic: TOPIC,
  actor: { type: 'system', id: 'service' },
  flushIntervalMs: 60_000,
  closeOn: [OCCASION as ClosingOccasion],
  closeAfter: DRAIN === undefined ? undefined : finishRequest,
});
ledger.emit('memory.noted', { target: { id: 'first' } });
if (OCCASION === 'beforeExit') {
  // A connection is open from here on, and must not keep the process.
  await ledger.flush();
  ledger.emit('memory.noted', { target: { id: 'second' } });
} else {
  setInterval(() => undefined, 1_000);
}
console.log('ready');
