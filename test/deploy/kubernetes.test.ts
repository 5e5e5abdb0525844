import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseAllDocuments } from 'yaml';
import { describe, expect, test } from 'vitest';
import { workerConfig } from '../../consumers/config.ts';
import packageJson from '../../package.json' with { type: 'json' };
import { build, type Manifest, readKustomization } from './kustomize.ts';
import { typeFaults } from './typed-manifests.ts';

const folder = (overlay: string): string =>
  fileURLToPath(new URL(`../../deploy/kubernetes/overlays/${overlay}`, import.meta.url));
const OVERLAYS = ['development', 'production'];
const overlays = new Map(OVERLAYS.map((name) => [name, build(folder(name))]));
const every = [...overlays.values()].flat();

const object = (overlay: string, kind: string, name?: string): Manifest => {
  const found = overlays
    .get(overlay)
    ?.find((one) => one.kind === kind && (name === undefined || one.metadata.name === name));
  if (!found) throw new Error(`${overlay} has no ${kind}`);
  return found;
};

/** Maps whose keys are anyone's choice. */
const FREE = new Set([
  'data',
  'labels',
  'matchLabels',
  'limits',
  'requests',
  'annotations',
  // Of a KEDA trigger; `metadata` of objects is typed, and its keys are tried.
  'selector',
]);

/** The object, once for each of its keys, with that key misspelt. */
function misspelt(manifest: Manifest): { readonly path: string; readonly object: Manifest }[] {
  const paths: (string | number)[][] = [];
  const visit = (value: unknown, path: (string | number)[]): void => {
    if (Array.isArray(value)) value.forEach((one, index) => visit(one, [...path, index]));
    else if (typeof value === 'object' && value !== null) {
      for (const [key, one] of Object.entries(value)) {
        paths.push([...path, key]);
        const isFree = FREE.has(key) && !('matchLabels' in (one as object));
        const isTrigger = key === 'metadata' && path[1] === 'triggers';
        if (!isFree && !isTrigger) visit(one, [...path, key]);
      }
    }
  };
  visit(manifest, []);
  return paths.map((path) => {
    const copy = structuredClone(manifest);
    let parent = copy as unknown as Record<string | number, unknown>;
    for (const step of path.slice(0, -1)) parent = parent[step] as typeof parent;
    const key = path.at(-1) ?? '';
    const renamed = Object.entries(parent).map(([name, value]) => [
      name === key ? `${name}x` : name,
      value,
    ]);
    for (const name of Object.keys(parent)) delete parent[name];
    Object.assign(parent, Object.fromEntries(renamed));
    return { path: path.join('.'), object: copy };
  });
}

describe('the manifests', () => {
  test('every object of every overlay has the type of its kind', async () => {
    expect(Object.fromEntries(await typeFaults(every))).toEqual({});
  }, 120_000);

  test('any one key misspelt is found, in every object', async () => {
    const all = every.flatMap((one) =>
      misspelt(one).map((trial) => ({ ...trial, name: `${one.kind}: ${trial.path}` })),
    );
    // The type is looked up by two of them; what both overlays have is tried once.
    const typed = all.filter(({ path }) => path !== 'kind' && path !== 'apiVersion');
    const trials = [...new Map(typed.map((trial) => [trial.name, trial])).values()];
    expect(trials.length).toBeGreaterThan(200);
    const faults = await typeFaults(trials.map((trial) => trial.object));
    const missed = trials.filter((_, index) => !faults.has(index)).map(({ name }) => name);
    expect(missed).toEqual([]);
  }, 120_000);

  test('a misspelt key of a kustomization is found', () => {
    expect(() => readKustomization('kind: Kustomization\napiVersion: v1\nresource: []')).toThrow(
      /resource/,
    );
  });

  test.each(OVERLAYS)('kubectl builds %s into the same objects', (overlay) => {
    let built: string;
    try {
      built = execFileSync('kubectl', ['kustomize', folder(overlay)], {
        encoding: 'utf8',
        timeout: 30_000,
      });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      console.info(`kubectl is not here: ${overlay} was built by test/deploy/kustomize.ts alone.`);
      return;
    }
    const theirs = parseAllDocuments(built).map((document) => document.toJS() as Manifest);
    const sorted = (list: readonly Manifest[]) =>
      list.toSorted((a, b) =>
        `${a.kind}/${a.metadata.name}`.localeCompare(`${b.kind}/${b.metadata.name}`),
      );
    expect(sorted(overlays.get(overlay) ?? [])).toEqual(sorted(theirs));
  });
});

interface PodSpec {
  readonly enableServiceLinks: boolean;
  readonly automountServiceAccountToken: boolean;
  readonly terminationGracePeriodSeconds?: number;
  readonly securityContext: unknown;
  readonly containers: readonly {
    readonly image: string;
    readonly securityContext: unknown;
    readonly resources: {
      readonly limits: Record<string, string>;
      readonly requests: Record<string, string>;
    };
  }[];
}
const pod = (manifest: Manifest): PodSpec =>
  (manifest['spec'] as { template: { spec: PodSpec } }).template.spec;
const settings = (overlay: string): Record<string, string> =>
  object(overlay, 'ConfigMap')['data'] as Record<string, string>;

describe.each(OVERLAYS)('%s', (overlay) => {
  test.each(['Deployment', 'Job'])(
    'its %s runs as the restricted Pod Security Standard demands',
    (kind) => {
      const spec = pod(object(overlay, kind));
      expect(spec.securityContext).toMatchObject({
        runAsNonRoot: true,
        seccompProfile: { type: 'RuntimeDefault' },
      });
      expect(spec.automountServiceAccountToken).toBe(false);
      // The variables of service links would begin with LEDGERLINE_, and be unknown options.
      expect(spec.enableServiceLinks).toBe(false);
      for (const container of spec.containers) {
        expect(container.securityContext).toEqual({
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ['ALL'] },
        });
        expect(container.resources.limits['memory']).toBeDefined();
        expect(container.image.endsWith(`ledgerline:${packageJson.version}`)).toBe(true);
      }
    },
  );

  test('the configuration is one that a worker takes, but for the files of the Secret', () => {
    const files = Object.entries(settings(overlay)).filter(([name]) => name.endsWith('_FILE'));
    for (const [, path] of files) expect(path).toMatch(/^\/run\/secrets\/ledgerline\//);
    const rest = Object.fromEntries(
      Object.entries(settings(overlay)).filter(([name]) => !name.endsWith('_FILE')),
    );
    const password = rest['LEDGERLINE_KAFKA_SASL_MECHANISM']
      ? { LEDGERLINE_KAFKA_SASL_PASSWORD: 'x' }
      : {};
    expect(workerConfig({ ...rest, ...password }).http).toEqual({ host: '0.0.0.0', port: 9464 });
  });

  test('a worker has the time to drain before it is killed', () => {
    const { drainTimeoutMs } = workerConfig({
      LEDGERLINE_DRAIN_TIMEOUT_MS: settings(overlay)['LEDGERLINE_DRAIN_TIMEOUT_MS'],
    });
    const grace = pod(object(overlay, 'Deployment')).terminationGracePeriodSeconds ?? 30;
    // Leaving the group and closing the connections take 5 s each, at most.
    expect(grace * 1000).toBeGreaterThan(drainTimeoutMs + 10_000);
  });

  test('the port of the metrics may be reached, and the selectors meet the pods', () => {
    const labels = (
      object(overlay, 'Deployment')['spec'] as {
        template: { metadata: { labels: Record<string, string> } };
      }
    ).template.metadata.labels;
    const selectors = [
      (object(overlay, 'PodDisruptionBudget')['spec'] as { selector: { matchLabels: object } })
        .selector.matchLabels,
      (object(overlay, 'Service')['spec'] as { selector: object }).selector,
      (object(overlay, 'NetworkPolicy')['spec'] as { podSelector: { matchLabels: object } })
        .podSelector.matchLabels,
    ];
    for (const selector of selectors) expect(labels).toMatchObject(selector);
  });
});

test('workers scale by the lag of the group and topic that they read, to no more than a topic has partitions', () => {
  const data = settings('production');
  const { triggers, scaleTargetRef } = object('production', 'ScaledObject')['spec'] as {
    triggers: { type: string; metadata: Record<string, string> }[];
    scaleTargetRef: { name: string };
  };
  expect(scaleTargetRef.name).toBe(object('production', 'Deployment').metadata.name);
  expect(triggers).toHaveLength(1);
  expect(triggers[0]?.metadata).toMatchObject({
    bootstrapServers: data['LEDGERLINE_KAFKA_BROKERS'],
    consumerGroup: data['LEDGERLINE_KAFKA_GROUP'],
    topic: data['LEDGERLINE_KAFKA_TOPIC'],
    allowIdleConsumers: 'false',
  });
  // A trigger's options are a free map: KEDA's own list of them is held against it here.
  const known = [
    'bootstrapServers',
    'consumerGroup',
    'topic',
    'lagThreshold',
    'activationLagThreshold',
    'offsetResetPolicy',
    'allowIdleConsumers',
    'scaleToZeroOnInvalidOffset',
    'excludePersistentLag',
    'limitToPartitionsWithLag',
    'partitionLimitation',
    'version',
    'sasl',
    'tls',
  ];
  expect(known).toEqual(expect.arrayContaining(Object.keys(triggers[0]?.metadata ?? {})));
});
