/**
 * A service that audits something and then lets its ledger close by itself, on the OCCASION it is
 * told. Runs from dist/.
 */
import { category, createLedger, defineCatalog, event } from '../../producers/index.ts';
import type { ClosingOccasion } from '../../producers/index.ts';

const { BROKERS = '', TOPIC = '', OCCASION = '' } = process.env;
const noted = event({ operation: 'create', label: 'Noted', target: 'thing' });
const common = { label: 'Test', icon: 'box' } as const;
const ledger = createLedger({
  service: 'service',
  catalog: defineCatalog(category('memory', { ...common, events: { 'memory.noted': noted } })),
  kafka: { brokers: [BROKERS] },
  topic: TOPIC,
  actor: { type: 'system', id: 'service' },
  flushIntervalMs: 60_000,
  closeOn: [OCCASION as ClosingOccasion],
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
