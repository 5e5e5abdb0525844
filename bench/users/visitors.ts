/**
 * The users of the users bench: autocannon, one request at a time on each connection, at a pace of
 * their own or as fast as they are answered. As many answers as users, a warm-up, and then the window that counts. Says one line of JSON at its end, a
 * {@link VisitReport}.
 */
import { createHistogram } from 'node:perf_hooks';
import { parseArgs } from 'node:util';
import { setTimeout as delay } from 'node:timers/promises';
import autocannon, { type Result } from 'autocannon';
import { cpuSeconds } from '../process-usage.ts';
import { EXPECTED_STATUSES, requestsOf } from './requests.ts';

export interface VisitReport {
  /** Answered within the window. */
  readonly requests: number;
  readonly seconds: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Of the service's process within the window, all threads. */
  readonly serviceCpuSeconds: number;
  /** Answered with such a status, from the first request to the last. */
  readonly statuses: Readonly<Record<string, number>>;
  /** Failed, late, or answered with a status that none of the requests asks for. */
  readonly errors: number;
}

const REQUEST_TIMEOUT_S = 20;
const FIRST_ANSWERS_MS = 60_000;
const GROUPS = 40;
const LONGEST_US = REQUEST_TIMEOUT_S * 2_000_000;

const { values } = parseArgs({
  options: {
    url: { type: 'string', default: '' },
    pid: { type: 'string', default: '' },
    connections: { type: 'string', default: '' },
    'warm-up-ms': { type: 'string', default: '' },
    seconds: { type: 'string', default: '' },
    pace: { type: 'string', default: '0' },
  },
});
const pid = Number(values.pid);
const connections = Number(values.connections);
const warmUpMs = Number(values['warm-up-ms']);
const windowMs = Number(values.seconds) * 1000;
/** Requests a second of each user; 0: the next as soon as the last is answered. */
const pace = Number(values.pace);
/** Users who ask at a pace come in groups, one after another within a second: not all at once. */
const groups = pace === 0 ? 1 : Math.min(GROUPS, connections);

const latencies = createHistogram({ highest: LONGEST_US });
const statuses: Record<string, number> = {};
let answers = 0;
let counting = false;
let window = { startMs: 0, startCpu: 0, seconds: 0, cpuSeconds: 0 };

let connection = 0;
const stops: (() => void)[] = [];
const ended = Array.from({ length: groups }, async (_, group) => {
  await delay((group * 1000) / groups);
  return comeAndGo(group);
});
const results = await Promise.all(ended);
if (window.seconds === 0) throw new Error('not all users had an answer in time');
const unexpected = Object.entries(statuses)
  .filter(([status]) => !EXPECTED_STATUSES.has(Number(status)))
  .reduce((sum, [, count]) => sum + count, 0);
const report: VisitReport = {
  requests: latencies.count,
  seconds: window.seconds,
  p50Ms: latencies.percentile(50) / 1000,
  p99Ms: latencies.percentile(99) / 1000,
  serviceCpuSeconds: window.cpuSeconds,
  statuses,
  errors: results.reduce((sum, { errors, timeouts }) => sum + errors + timeouts, unexpected),
};
process.stdout.write(`${JSON.stringify(report)}\n`);

/** Some of the users, until they are stopped. */
function comeAndGo(group: number): Promise<Result> {
  const before = Math.floor((group * connections) / groups);
  const through = Math.floor(((group + 1) * connections) / groups);
  return new Promise((resolve, reject) => {
    const instance = autocannon(
      {
        url: values.url,
        connections: through - before,
        pipelining: 1,
        // A bound only: it is stopped when the window is over.
        duration: (FIRST_ANSWERS_MS + warmUpMs + windowMs) / 1000,
        timeout: REQUEST_TIMEOUT_S,
        ...(pace > 0 && { connectionRate: pace }),
        setupClient: (client) => {
          client.setRequests(requestsOf(connection));
          connection += 1;
        },
      },
      (error: Error | null, result) => (error === null ? resolve(result) : reject(error)),
    );
    instance.on('response', (_client, status, _bytes, ms) => answered(status, ms));
    // Not part of autocannon's types.
    stops.push(() => (instance as typeof instance & { stop(): void }).stop());
  });
}

function answered(status: number, ms: number): void {
  answers += 1;
  if (answers === connections) setTimeout(begin, warmUpMs);
  statuses[status] = (statuses[status] ?? 0) + 1;
  if (counting) latencies.record(Math.min(LONGEST_US, Math.max(1, Math.round(ms * 1000))));
}

function begin(): void {
  window = { ...window, startMs: performance.now(), startCpu: cpuSeconds(pid) };
  counting = true;
  setTimeout(end, windowMs);
}

function end(): void {
  counting = false;
  const { startMs, startCpu } = window;
  window.seconds = (performance.now() - startMs) / 1000;
  window.cpuSeconds = cpuSeconds(pid) - startCpu;
  for (const stop of stops) stop();
}
