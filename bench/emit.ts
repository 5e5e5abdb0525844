import { isDeepStrictEqual } from 'node:util';
import { closeSync, openSync, writeSync } from 'node:fs';
import { Writable } from 'node:stream';
import { pino } from 'pino';
import { z } from 'zod';
import {
  category,
  createLedger,
  defineCatalog,
  event,
  type SendOutcome,
  type Transport,
} from '../producers/index.ts';
import { memoryTransport } from '../producers/testing.ts';

/**
 * What `emit` costs its caller, against pino's `info` of the same content: the usual price of
 * saying something in Node. Both write to /dev/null, in the background: the caller pays for
 * building the line, not for the disk. `emit` also checks the event's data, gives it an id, a
 * number and a time, and accounts for its room.
 */

const EVENTS_PER_ROUND = 5_000;
const ROUNDS = 41;
const WARM_UP_ROUNDS = 10;

const catalog = defineCatalog(
  category('app', {
    label: 'App',
    icon: 'box',
    events: {
      'app.env_var.updated': event({
        operation: 'update',
        label: 'Environment variable updated',
        target: 'env_var',
        data: z.strictObject({ key: z.string(), environment: z.string(), restart: z.boolean() }),
      }),
      'app.viewed': event({ operation: 'read', label: 'App viewed', target: 'app' }),
    },
  }),
);

const inputOf = (n: number) =>
  ({
    tenant: `tenant_${n % 50}`,
    actor: { type: 'user', id: `usr_${n % 5_000}`, name: 'Ada Lovelace' },
    target: { type: 'env_var', id: `env_${n % 20_000}`, name: 'DATABASE_URL' },
    related: [{ role: 'parent', type: 'app', id: `app_${n % 400}`, name: 'shop' }],
    sourceIp: '203.0.113.7',
    traceId: '4bf92f3577b34da6a3ce929d0e0e4736',
    correlationId: `req_${n}`,
    reason: 'rotating the credentials',
    changes: [{ op: 'replace', path: '/value', old: '••••1c', new: '••••9f' }],
    data: { key: 'DATABASE_URL', environment: 'production', restart: true },
    attributes: { 'user_agent.original': 'Mozilla/5.0 (X11; Linux x86_64)', 'session.id': 's_81' },
  }) as const;

const LEDGER = { service: 'control-panel', catalog } as const;

/** Writes what it is sent to a file, as pino's destination does. */
class FileTransport implements Transport {
  readonly partitions = 4;
  readonly #file: number;
  constructor(file: number) {
    this.#file = file;
  }
  connect(): Promise<void> {
    return Promise.resolve();
  }
  send(_: number, messages: readonly { readonly value: Buffer }[]): Promise<SendOutcome> {
    writeSync(this.#file, Buffer.concat(messages.map(({ value }) => value)));
    return Promise.resolve({ status: 'stored', baseOffset: 0 });
  }
  close(): Promise<void> {
    return Promise.resolve();
  }
}

const fieldsOf = (input: ReturnType<typeof inputOf>) => ({ type: 'app.env_var.updated', ...input });

/** Both must have written what they were given, before it counts how fast they did. */
async function check(): Promise<void> {
  const transport = memoryTransport();
  const ledger = createLedger({ ...LEDGER, transport });
  const lines: string[] = [];
  const sink = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      lines.push(chunk.toString());
      done();
    },
  });
  const logger = pino({ base: { service: LEDGER.service } }, sink);
  for (let n = 0; n < 100; n += 1) {
    ledger.emit('app.env_var.updated', inputOf(n));
    logger.info(fieldsOf(inputOf(n)), 'audit');
  }
  await ledger.close();
  const events = transport.events().toSorted((a, b) => seqOf(a) - seqOf(b));
  for (let n = 0; n < 100; n += 1) {
    const expected = inputOf(n);
    const stored = events[n] as unknown as Record<string, unknown>;
    const logged = JSON.parse(lines[n] ?? '{}') as Record<string, unknown>;
    for (const [field, value] of Object.entries(expected)) {
      for (const [who, has] of Object.entries({ ledgerline: stored, pino: logged })) {
        if (!isDeepStrictEqual(has[field], value)) {
          throw new Error(`${who} wrote another ${field} than it was given`);
        }
      }
    }
  }
}

const seqOf = (event: { readonly producer?: { readonly seq: number } | undefined }): number =>
  event.producer?.seq ?? 0;

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;

const nsPerCall = (call: (n: number) => void): number => {
  const start = process.hrtime.bigint();
  for (let n = 0; n < EVENTS_PER_ROUND; n += 1) call(n);
  return Number(process.hrtime.bigint() - start) / EVENTS_PER_ROUND;
};

/** So few that mostly no garbage is collected among them. */
const CALLS_PER_LOOK = 100;
const LOOKS = 101;

/** Bytes on and off the heap that a call allocates: the median of looks without a collection. */
async function bytesPerCall(
  call: (n: number) => void,
  settle: () => Promise<unknown>,
): Promise<number> {
  const used = (): number => {
    const { heapUsed, arrayBuffers } = process.memoryUsage();
    return heapUsed + arrayBuffers;
  };
  const grown: number[] = [];
  for (let look = 0; look < LOOKS; look += 1) {
    const before = used();
    for (let n = 0; n < CALLS_PER_LOOK; n += 1) call(n);
    const bytes = used() - before;
    if (bytes >= 0) grown.push(bytes / CALLS_PER_LOOK);
    await settle();
  }
  return Math.round(median(grown));
}

interface EmitFigures {
  readonly keptNs: number;
  readonly pinoNs: number;
  readonly keptRatioToPino: number;
  readonly filteredNs: number;
  /** Allocated by one call. */
  readonly keptBytes: number;
  readonly pinoBytes: number;
  readonly filteredBytes: number;
  /** Of the encoded event, with what Kafka adds. */
  readonly bytesPerEvent: number;
}

async function measure(): Promise<EmitFigures> {
  const file = openSync('/dev/null', 'w');
  const ledger = createLedger({ ...LEDGER, transport: new FileTransport(file) });
  const destination = pino.destination({ dest: '/dev/null', sync: false });
  const logger = pino({ base: { service: LEDGER.service } }, destination);
  const flushPino = (): Promise<void> =>
    new Promise((resolve, reject) => {
      destination.flush((error) => (error ? reject(error) : resolve()));
    });
  const inputs = Array.from({ length: EVENTS_PER_ROUND }, (_, n) => inputOf(n));
  const fields = inputs.map(fieldsOf);
  const views = inputs.map(({ actor }) => ({ actor, target: { id: 'app_1' } }));
  const kept: number[] = [];
  const logged: number[] = [];
  const filtered: number[] = [];
  let bytes = 0;
  const keep = (n: number): void =>
    void ledger.emit('app.env_var.updated', inputs[n] as (typeof inputs)[0]);
  const log = (n: number): void => logger.info(fields[n] as object, 'audit');
  const filter = (n: number): void => void ledger.emit('app.viewed', views[n] as (typeof views)[0]);
  for (let round = -WARM_UP_ROUNDS; round < ROUNDS; round += 1) {
    const keptNs = nsPerCall(keep);
    bytes = ledger.stats().buffered.bytes / EVENTS_PER_ROUND;
    await ledger.flush();
    const pinoNs = nsPerCall(log);
    await flushPino();
    const filteredNs = nsPerCall(filter);
    if (round < 0) continue;
    kept.push(keptNs);
    logged.push(pinoNs);
    filtered.push(filteredNs);
  }
  const keptBytes = await bytesPerCall(keep, () => ledger.flush());
  const pinoBytes = await bytesPerCall(log, flushPino);
  const filteredBytes = await bytesPerCall(filter, () => Promise.resolve());
  await ledger.close();
  const { accepted, stored } = ledger.stats();
  const said = (ROUNDS + WARM_UP_ROUNDS) * EVENTS_PER_ROUND + LOOKS * CALLS_PER_LOOK;
  if (accepted !== said || stored !== accepted) {
    throw new Error('not every event that was timed was kept');
  }
  closeSync(file);
  const keptNs = median(kept);
  const pinoNs = median(logged);
  return {
    keptNs: Math.round(keptNs),
    pinoNs: Math.round(pinoNs),
    keptRatioToPino: Math.round((keptNs / pinoNs) * 100) / 100,
    filteredNs: Math.round(median(filtered)),
    keptBytes,
    pinoBytes,
    filteredBytes,
    bytesPerEvent: Math.round(bytes),
  };
}

/** `npm run bench -- emit [--json]` */
export async function run(args: string[]): Promise<void> {
  await check();
  const figures = await measure();
  if (args.includes('--json')) {
    console.log(JSON.stringify(figures));
    return;
  }
  const { keptNs, pinoNs, keptRatioToPino, filteredNs, bytesPerEvent } = figures;
  const { keptBytes, pinoBytes, filteredBytes } = figures;
  console.log(
    `kept      ${keptNs} ns and ${keptBytes} bytes allocated a call, ${bytesPerEvent} bytes an event on the wire`,
  );
  console.log(
    `pino.info ${pinoNs} ns and ${pinoBytes} bytes with the same content: ${keptRatioToPino} times (≤ 1.0)`,
  );
  console.log(`filtered  ${filteredNs} ns and ${filteredBytes} bytes a call (≤ 100 ns, nothing)`);
}
