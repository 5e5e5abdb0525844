import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parser } from '@prometheus-io/lezer-promql';
import { parse } from 'yaml';
import { Registry } from 'prom-client';
import { describe, expect, it } from 'vitest';
import { readiness } from '../../consumers/health/readiness.ts';
import { WorkerMetrics } from '../../consumers/health/worker-metrics.ts';
import { newCounters } from '../../consumers/runner-context.ts';
import { LOSS_CAUSES } from '../../producers/counters.ts';
import { ledgerMetrics } from '../../producers/metrics.ts';
import { REJECT_CAUSES } from '../../producers/receipt.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const text = (path: string): string => readFileSync(`${root}/${path}`, 'utf8');

interface Metric {
  readonly labels: readonly string[];
  readonly kind: string;
}

interface Collector {
  readonly name: string;
  readonly type: string;
  readonly labelNames?: readonly string[];
}

function workerMetrics(): WorkerMetrics {
  const metrics = new WorkerMetrics();
  metrics.show({
    version: '1.0.0',
    counters: newCounters,
    partitions: () => [],
    pausedPartitions: () => 0,
    bufferLimitBytes: 1,
    readiness: () =>
      readiness({
        joined: true,
        stopping: false,
        kafkaProblem: undefined,
        clickhouseProblem: undefined,
        pendingMigrations: [],
      }),
    lagSeconds: () => 0,
    lagOffsets: () => 0,
    topic: () => undefined,
    parts: () => undefined,
  });
  return metrics;
}

/** By name, everything that a registry can show; histograms under the three names they are asked by. */
function shownBy(registry: Registry): Map<string, Metric> {
  const shown = new Map<string, Metric>();
  for (const collector of registry.getMetricsAsArray() as unknown as Collector[]) {
    const { name, type, labelNames = [] } = collector;
    shown.set(name, { labels: labelNames, kind: type });
    if (type === 'histogram') {
      shown.set(`${name}_bucket`, { labels: [...labelNames, 'le'], kind: type });
      shown.set(`${name}_count`, { labels: labelNames, kind: type });
      shown.set(`${name}_sum`, { labels: labelNames, kind: type });
    }
  }
  return shown;
}

const ofServices = new Registry();
ledgerMetrics({ stats: () => ({ byCategory: {} }) as never }, { registry: ofServices });
const ofWorkers = workerMetrics();
const known = new Map([...shownBy(ofWorkers.registry), ...shownBy(ofServices)]);

/** Labels that Prometheus adds when it scrapes. */
const SCRAPED = new Set(['job', 'instance']);

/** Names and labels of a PromQL expression, by its grammar; throws where it does not parse. */
function readPromQl(expression: string): { metrics: string[]; labels: Map<string, string[]> } {
  // Grafana's own variables, as Grafana would put them in.
  const asked = expression.replaceAll('$__rate_interval', '1m').replaceAll('$job', 'x');
  const metrics: string[] = [];
  const labels = new Map<string, string[]>();
  let current = '';
  parser.parse(asked).iterate({
    enter(node) {
      if (node.type.isError) throw new Error(`no PromQL at ${node.from}: ${expression}`);
      const said = asked.slice(node.from, node.to);
      if (node.name === 'VectorSelector') current = /^\w+/.exec(said)?.[0] ?? '';
      if (node.name === 'Identifier' && said === current) metrics.push(said);
      if (node.name === 'LabelName' && node.node.parent?.name.includes('LabelMatcher')) {
        labels.set(current, [...(labels.get(current) ?? []), said]);
      }
    },
  });
  return { metrics, labels };
}

interface Alert {
  readonly alert: string;
  readonly expr: string;
  readonly labels: { readonly severity: string };
  readonly annotations: Readonly<Record<'summary' | 'description' | 'runbook', string>>;
}
const alerts = (
  parse(text('deploy/observability/alerts.yaml')) as { groups: { rules: Alert[] }[] }
).groups.flatMap(({ rules }) => rules);

interface Panel {
  readonly title: string;
  readonly targets?: readonly { readonly expr: string; readonly legendFormat: string }[];
}
const { panels } = JSON.parse(text('deploy/observability/dashboard.json')) as { panels: Panel[] };

const expressions: [string, string][] = [
  ...alerts.map(({ alert, expr }): [string, string] => [alert, expr]),
  ...panels.flatMap(({ title, targets = [] }) =>
    targets.map(({ expr }): [string, string] => [title, expr]),
  ),
];

describe('R-DLV-06: alerts and dashboard', () => {
  it.each(expressions)('%s asks in PromQL for metrics and labels that exist', (_, expression) => {
    const { metrics, labels } = readPromQl(expression);
    expect(metrics.length).toBeGreaterThan(0);
    for (const name of metrics) expect([...known.keys()]).toContain(name);
    for (const [name, used] of labels) {
      for (const label of used.filter((one) => !SCRAPED.has(one))) {
        expect(known.get(name)?.labels, `${name}{${label}}`).toContain(label);
      }
    }
  });

  it('notices a metric, a label and a bracket that are wrong', () => {
    expect(readPromQl('rate(ledgerline_worker_row_total[5m])').metrics).toEqual([
      'ledgerline_worker_row_total',
    ]);
    expect(readPromQl('ledgerline_worker_lag_seconds{shard="1"}').labels).toEqual(
      new Map([['ledgerline_worker_lag_seconds', ['shard']]]),
    );
    expect(() => readPromQl('sum(rate(ledgerline_worker_rows_total[5m])')).toThrow('no PromQL');
  });

  it('every alert has a severity, words, and a runbook under a heading of its own', () => {
    const anchors = alerts.map(({ annotations }) => annotations.runbook);
    expect(new Set(anchors).size).toBe(anchors.length);
    for (const { labels, annotations } of alerts) {
      expect(['critical', 'warning']).toContain(labels.severity);
      expect(annotations.summary).not.toBe('');
      expect(annotations.description).not.toBe('');
      expect(annotations.runbook).toMatch(/^docs\/operations\.md#[a-z-]+$/);
    }
    expect(existsSync(`${root}/docs/operations.md`)).toBe(true);
    const headings = [...text('docs/operations.md').matchAll(/^#+ (.+)$/gm)].map(([, heading]) =>
      (heading ?? '')
        .toLowerCase()
        .replace(/[^\w\s-]/g, '')
        .trim()
        .replace(/\s/g, '-'),
    );
    for (const anchor of anchors) expect(headings).toContain(anchor.split('#')[1]);
  });

  it('counts as lost what services can lose', () => {
    const lost = alerts.find(({ alert }) => alert === 'LedgerlineEventsLost');
    const causes = /cause=~"([^"]+)"/.exec(lost?.expr ?? '')?.[1]?.split('|') ?? [];
    const notTheirs = new Set(['unknown_type', 'invalid']);
    expect(causes.toSorted()).toEqual(
      [...new Set<string>([...LOSS_CAUSES, ...REJECT_CAUSES])]
        .filter((cause) => !notTheirs.has(cause))
        .toSorted(),
    );
  });
});

describe('R-DLV-06: docs/metrics.md', () => {
  it('has every metric of a worker with its kind and labels, and no other', () => {
    const rows = [
      ...text('docs/metrics.md').matchAll(/^\| `(ledgerline_\w+)`\s*\|([^|]*)\|([^|]*)\|/gm),
    ];
    const documented = rows.map(([, name, kind = '', labels = '']) => ({
      name,
      kind: kind.trim(),
      labels: labels
        .split(',')
        .map((label) => label.trim())
        .filter((label) => label !== ''),
    }));
    const own = (ofWorkers.registry.getMetricsAsArray() as unknown as Collector[])
      .filter(({ name }) => name.startsWith('ledgerline_'))
      .map(({ name, type, labelNames = [] }) => ({ name, kind: type, labels: [...labelNames] }));
    const byName = (a: { name?: string | undefined }, b: { name?: string | undefined }): number =>
      (a.name ?? '').localeCompare(b.name ?? '');
    expect(documented.toSorted(byName)).toEqual(own.toSorted(byName));
  });
});

describe("R-DLV-06: a worker's log", () => {
  it('has a code in every line, and docs/metrics.md has every code with its level', () => {
    const documented = [...text('docs/metrics.md').matchAll(/^\| `([A-Z_]+)`\s*\|\s*(\w+)/gm)].map(
      ([, code, level]) => `${level} ${code}`,
    );
    const said: string[] = [];
    for (const file of readdirSync(`${root}/consumers`, { recursive: true, encoding: 'utf8' })) {
      if (!file.endsWith('.ts')) continue;
      // Fatal lines bear the code of the error.
      for (const [, level, rest] of text(`consumers/${file}`).matchAll(
        /log\.(debug|info|warn|error)\(([^;]{0,120})/g,
      )) {
        said.push(`${level} ${/code: '([A-Z_]+)'/.exec(rest ?? '')?.[1]} (${file})`);
      }
    }
    const codes = new Set(said.map((line) => line.replace(/ \(.*/, '')));
    expect([...codes].toSorted()).toEqual(documented.toSorted());
  });
});
