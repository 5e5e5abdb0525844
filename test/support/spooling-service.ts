/**
 * A service that audits without pause, for tests that kill it. Runs from dist/. What it
 * was promised it writes down, one id a line, only after it was: by a receipt that said `spooled`, or
 * by a `record` that resolved. SABOTAGE takes one part away, for the controls.
 */
import { openSync, writeSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import {
  category,
  createLedger,
  defineCatalog,
  event,
  type SpoolOptions,
} from '../../producers/index.ts';
import { KafkaTransport } from '../../producers/kafka-transport.ts';
import type { OutboundMessage } from '../../producers/transport.ts';

const { BROKERS = '', TOPIC = '', DIRECTORY = '', PROMISES = '', SABOTAGE = '' } = process.env;
const { EVENTS = '1000000', LAST = '' } = process.env;

if (SABOTAGE === 'unmarked') {
  const send = Reflect.get(KafkaTransport.prototype, 'send');
  const sendTogether = Reflect.get(KafkaTransport.prototype, 'sendTogether');
  const unmarked = (messages: readonly OutboundMessage[]): OutboundMessage[] =>
    messages.map(({ id, key, value }) => ({ id, key, value, mayRepeat: false }));
  KafkaTransport.prototype.send = function (partition, messages) {
    return send.call(this, partition, unmarked(messages));
  };
  KafkaTransport.prototype.sendTogether = function (batches) {
    return sendTogether.call(
      this,
      batches.map(({ partition, messages }) => ({ partition, messages: unmarked(messages) })),
    );
  };
}

const noted = event({ operation: 'create', label: 'Noted', target: 'thing' });
const common = { label: 'Test', icon: 'box', durability: 'disk', onFailure: 'spool' } as const;
const spool: SpoolOptions | undefined =
  SABOTAGE === 'in memory' ? undefined : { directory: DIRECTORY, fsync: 'never' };
const ledger = createLedger({
  service: 'service',
  catalog: defineCatalog(category('disk', { ...common, events: { 'disk.noted': noted } })),
  kafka: { brokers: [BROKERS], connectionTimeoutMs: 500, requestTimeoutMs: 2_000 },
  topic: TOPIC,
  actor: { type: 'system', id: 'service' },
  buffer: { maxEvents: 500 },
  flushIntervalMs: 5,
  reportIntervalMs: false,
  ...(spool === undefined ? {} : { spool }),
});

const promises = openSync(PROMISES, 'a');
const promised = (id: string): void => void writeSync(promises, `${id}\n`);
const counts = spool === undefined ? 'accepted' : 'spooled';

let heardOfKafka = false;
console.log('ready');
for (let n = 0; n < Number(EVENTS); n += 1) {
  const input = { target: { id: `thing_${n % 40}` }, message: 'x'.repeat(300) };
  if (n % 10 === 9) {
    ledger.record('disk.noted', input).then(
      (end) => {
        if (end.status !== 'stored') return;
        promised(end.id);
        if (!heardOfKafka) console.log('stored');
        heardOfKafka = true;
      },
      () => undefined,
    );
  } else {
    const receipt = ledger.emit('disk.noted', input);
    if (receipt.status === counts) promised(receipt.id);
  }
  if (n % 4 === 0) await setTimeout(3);
}
if (LAST !== '') {
  const report = await ledger.close({ timeoutMs: 30_000 });
  if (!report.complete) throw new Error(`it ended with ${JSON.stringify(report)}`);
  console.log('closed');
}
