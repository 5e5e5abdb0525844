/**
 * The service of the outage bench: audits at a steady rate, in three categories, and tells its parent
 * once a second how it is. What it was promised it writes down, one id a line, after it was. SIGTERM
 * ends the auditing and closes the ledger, with all the time it needs.
 */
import { openSync, writeSync } from 'node:fs';
import { createLedger, defineCatalog, event, category } from '../../producers/index.ts';

const { BROKERS = '', TOPIC = '', DIRECTORY = '', PROMISES = '', RATE = '' } = process.env;
const TICK_MS = 10;
const CLOSE_MS = 600_000;
const DETAIL = 'x'.repeat(400);

const noted = event({ operation: 'update', label: 'Noted', target: 'thing' });
const common = { label: 'Bench', icon: 'box' } as const;
const catalog = defineCatalog(
  category('disk', { ...common, durability: 'disk', events: { 'disk.noted': noted } }),
  category('spools', { ...common, onFailure: 'spool', events: { 'spools.noted': noted } }),
  category('drops', { ...common, events: { 'drops.noted': noted } }),
);
const TYPES = ['disk.noted', 'spools.noted', 'disk.noted', 'drops.noted'] as const;

const ledger = createLedger({
  service: 'bench',
  catalog,
  kafka: { brokers: [BROKERS] },
  topic: TOPIC,
  actor: { type: 'system', id: 'bench' },
  spool: { directory: DIRECTORY, maxBytes: 4 * 1024 ** 3 },
});

const promises = openSync(PROMISES, 'a');
let promised = '';
/** Once a tick: a write for each would be half of what is measured. None is lost by a kill but the tick's. */
const writePromises = (): void => {
  if (promised !== '') writeSync(promises, promised);
  promised = '';
};

/** What the parent reads, one line of JSON for each. */
export interface Sample {
  readonly rssMb: number;
  readonly heapMb: number;
  readonly bufferedEvents: number;
  readonly spoolMb: number;
  readonly emitted: number;
  readonly pending: number;
  readonly queueFull: number;
  readonly spoolFull: number;
}

const mib = (bytes: number): number => Math.round(bytes / 1024 ** 2);

function say(): void {
  const { rss, heapUsed } = process.memoryUsage();
  const { emitted, pending, buffered, spool, rejected } = ledger.stats();
  const sample: Sample = {
    rssMb: mib(rss),
    heapMb: mib(heapUsed),
    bufferedEvents: buffered.events,
    spoolMb: mib(spool.bytes),
    emitted,
    pending,
    queueFull: rejected.queue_full,
    spoolFull: rejected.spool_full,
  };
  process.stdout.write(`${JSON.stringify(sample)}\n`);
}

const start = performance.now();
let made = 0;
function audit(): void {
  const due = Math.floor(((performance.now() - start) * Number(RATE)) / 1000);
  for (; made < due; made += 1) {
    const type = TYPES[made % TYPES.length] ?? 'disk.noted';
    const receipt = ledger.emit(type, { target: { id: `t_${made % 5_000}` }, message: DETAIL });
    if (receipt.status === 'spooled') promised += `${receipt.id}\n`;
  }
  writePromises();
}

const auditing = setInterval(audit, TICK_MS);
const saying = setInterval(say, 1_000);
process.once('SIGTERM', () => {
  clearInterval(auditing);
  void ledger.close({ timeoutMs: CLOSE_MS }).then(({ complete }) => {
    clearInterval(saying);
    say();
    process.exitCode = complete ? 0 : 1;
  });
});
