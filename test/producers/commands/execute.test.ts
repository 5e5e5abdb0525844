import { Writable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { describe, expect, test } from 'vitest';
import { category, createLedger, defineCatalog, event } from '../../../producers/index.ts';
import type { CommandResult } from '../../../producers/index.ts';
import { memoryTransport } from '../../../producers/testing.ts';
import { z } from 'zod';
import { onTestFinished } from 'vitest';
import { lineLogger } from '../catalog.ts';

const catalog = defineCatalog(
  category('deploy', {
    label: 'Deployment',
    icon: 'rocket',
    events: {
      'deploy.command.run': event({ operation: 'execute', label: 'Command run' }),
      'deploy.finished': event({
        operation: 'execute',
        label: 'Finished',
        data: z.strictObject({ durationMs: z.number() }),
      }),
    },
  }),
);
const actor = { type: 'user', id: 'u_1' };
const node = process.execPath;

function open() {
  const transport = memoryTransport();
  const ledger = createLedger({
    service: 'panel',
    catalog,
    transport,
    logger: lineLogger(),
    flushIntervalMs: 0,
  });
  onTestFinished(() => ledger.close().then(() => undefined));
  const recorded = async () => {
    await ledger.flush();
    return transport.events();
  };
  const script = (source: string, options = {}): Promise<CommandResult> =>
    ledger.execute('deploy.command.run', { actor }, node, ['-e', source], options);
  return { ledger, recorded, script, transport };
}

describe('R-REC-04: a command’s run', () => {
  test('is recorded with command, duration, exit code, output and errors', async () => {
    const { ledger, recorded } = open();
    const source = 'console.log("built"); console.error("a warning")';
    const run = await ledger.execute('deploy.command.run', { actor }, node, ['-e', source]);
    expect(run).toMatchObject({
      status: 'exited',
      ok: true,
      exitCode: 0,
      stdout: 'built\n',
      stderr: 'a warning\n',
      receipt: { status: 'accepted' },
    });
    const [event] = await recorded();
    expect(event).toMatchObject({ outcome: 'success', execution: { exit_code: 0 } });
    expect(event?.execution).not.toHaveProperty('signal');
    expect(event?.execution?.['command']).toBe(
      `${node} -e 'console.log("built"); console.error("a warning")'`,
    );
    expect(String(event?.execution?.['output']).split('\n').sort()).toEqual([
      '',
      'err| a warning',
      'out| built',
    ]);
    expect(event?.execution?.['duration_ms']).toBe(Math.round(run.durationMs));
  });

  test('output stands in the order it came', async () => {
    const { recorded, script } = open();
    await script(`
      const lines = [['stdout', 1], ['stderr', 2], ['stdout', 3], ['stderr', 4]];
      const next = () => {
        const [stream, n] = lines.shift() ?? [];
        if (stream) process[stream].write(n + '\\n', () => setTimeout(next, 30));
      };
      next();
    `);
    const [event] = await recorded();
    expect(event?.execution?.['output']).toBe('out| 1\nerr| 2\nout| 3\nerr| 4\n');
  });

  test('that fails is a failure, by exit code', async () => {
    const { recorded, script } = open();
    expect(await script('process.exit(3)')).toMatchObject({ ok: false, exitCode: 3 });
    expect(await recorded()).toMatchObject([
      { outcome: 'failure', error: { code: 'EXIT_3' }, execution: { exit_code: 3 } },
    ]);
  });

  test('that is killed, by signal', async () => {
    const { recorded, script } = open();
    const run = await script('process.kill(process.pid, "SIGKILL"); setInterval(() => {}, 1e9)');
    expect(run).toMatchObject({ status: 'killed', ok: false, signal: 'SIGKILL' });
    expect(await recorded()).toMatchObject([
      { outcome: 'failure', error: { code: 'SIGNAL_SIGKILL' }, execution: { signal: 'SIGKILL' } },
    ]);
  });

  test.each([
    ['there is no such command', 'no-such-command-here', {}, 'ENOENT'],
    ['there is no such folder', node, { cwd: '/no/such/folder' }, 'ENOENT'],
    ['it is no program', import.meta.filename, {}, 'EACCES'],
    ['its name holds a zero byte', 'a\0b', {}, 'ERR_INVALID_ARG_VALUE'],
  ])('that cannot be started, because %s', async (_, command, options, code) => {
    const { ledger, recorded } = open();
    const run = await ledger.execute('deploy.command.run', { actor }, command, [], options);
    expect(run).toMatchObject({ status: 'not_started', ok: false, error: { code } });
    expect(await recorded()).toMatchObject([
      { outcome: 'failure', error: { code: `SPAWN_${code}` } },
    ]);
  });

  test('no shell reads its arguments', async () => {
    const { script } = open();
    const run = await script('console.log(process.argv.length)', {});
    expect(run.stdout).toBe('1\n');
    const { ledger, recorded } = open();
    const args = ['-e', 'console.log(process.argv[1])', '$(touch /tmp/x); `id` && "it\'s"'];
    const quoted = await ledger.execute('deploy.command.run', { actor }, node, args);
    expect(quoted.stdout).toBe(`${args[2]}\n`);
    expect(String((await recorded())[0]?.execution?.['command'])).toContain(
      String.raw`'$(touch /tmp/x); ` + '`id`' + String.raw` && "it'\''s"'`,
    );
  });

  test('stops at its deadline, with SIGKILL where SIGTERM does not help', async () => {
    const { recorded, script } = open();
    const deaf = 'process.on("SIGTERM", () => {}); console.log("on"); setInterval(() => {}, 1e9)';
    const run = await script(deaf, { timeoutMs: 2_000, killAfterMs: 100 });
    expect(run).toMatchObject({ status: 'timed_out', ok: false, signal: 'SIGKILL' });
    expect(await recorded()).toMatchObject([{ outcome: 'failure', error: { code: 'TIMED_OUT' } }]);
  });

  test('stops on request, before it began too', async () => {
    const { recorded, script } = open();
    const abort = new AbortController();
    const running = script('setInterval(() => {}, 1e9)', { signal: abort.signal });
    abort.abort();
    expect(await running).toMatchObject({ status: 'aborted', ok: false, signal: 'SIGTERM' });
    expect(await script('1', { signal: abort.signal })).toMatchObject({ status: 'aborted' });
    expect((await recorded()).map(({ error }) => error?.code)).toEqual(['ABORTED', 'ABORTED']);
  });

  test('a grandchild that keeps the streams open does not keep it waiting', async () => {
    const { script } = open();
    const run = await script(`
      const { spawn } = require('node:child_process');
      const child = spawn(process.execPath, ['-e', 'setTimeout(() => {}, 4000)'], { stdio: 'inherit', detached: true });
      child.unref();
      console.log('left');
      process.exit(0);
    `);
    expect(run).toMatchObject({ ok: true, stdout: 'left\n' });
    expect(run.durationMs).toBeLessThan(3_500);
  });

  test('what stops it while only a grandchild lives does not change how it ended', async () => {
    const { script } = open();
    const stopping = new AbortController();
    const stdout = new Writable({
      write(_chunk, _encoding, done) {
        setTimeout(() => stopping.abort(), 500);
        done();
      },
    });
    const run = await script(
      `require('node:child_process').spawn('sleep', ['3'], { stdio: 'inherit' }).unref();
      process.stdout.write('bye');
      process.exit(0);`,
      { signal: stopping.signal, stdout },
    );
    expect(stopping.signal.aborted).toBe(true);
    expect(run).toMatchObject({ status: 'exited', ok: true });
  });

  test('a slow destination costs nothing of what it wrote', async () => {
    const { script } = open();
    let seen = 0;
    const stdout = new Writable({
      highWaterMark: 1_024,
      write(chunk: Buffer, _encoding, done) {
        seen += chunk.length;
        setTimeout(done, 400);
      },
    });
    const run = await script('process.stdout.write("x".repeat(200_000))', { stdout });
    expect(run).toMatchObject({ ok: true, truncated: false });
    expect(run.stdout).toHaveLength(200_000);
    stdout.end();
    await finished(stdout);
    expect(seen).toBe(200_000);
  });

  test('secrets are masked in command and output, and the caller’s result has them', async () => {
    const { ledger, recorded, transport } = open();
    const source =
      'console.log("token", process.env.T); console.log(["API_KEY", process.env.K].join("="))';
    const run = await ledger.execute(
      'deploy.command.run',
      { actor },
      node,
      ['-e', source, '--', '--password=canary-one', '--token', 'canary-two', 'canary-three'],
      { env: { T: 'canary-three', K: 'canary-four' }, secrets: ['canary-three'] },
    );
    expect(run.stdout).toContain('canary-three');
    const [event] = await recorded();
    expect(String(event?.execution?.['command'])).toContain('--password=');
    expect(event?.execution?.['output']).toBe('out| token [masked]\nout| API_KEY=[masked]\n');
    expect(JSON.stringify(transport.messages)).not.toContain('canary');
  });

  test('a flood is bounded in the record and in the result', async () => {
    const { recorded, script } = open();
    const run = await script('for (let n = 0; n < 2e5; n += 1) console.log("line " + n)', {
      maxResultBytes: 1_000,
      outputHead: 200,
      outputTail: 200,
    });
    expect([run.stdout.length, run.truncated]).toEqual([1_000, true]);
    const [event] = await recorded();
    const output = String(event?.execution?.['output']);
    expect(output).toMatch(/^out\| line 0\n/);
    expect(output).toMatch(/out\| line 199999\n$/);
    expect(output.length).toBeLessThan(500);
    expect(event?.execution?.['output_omitted']).toBeGreaterThan(2_000_000);
  });

  test('what it says goes on to the caller’s streams, and what it reads comes from them', async () => {
    const { script } = open();
    const heard: string[] = [];
    const stdout = new Writable({
      highWaterMark: 10,
      write(chunk: Buffer, _encoding, done) {
        heard.push(chunk.toString());
        setImmediate(done);
      },
    });
    const run = await script('process.stdin.pipe(process.stdout)', {
      stdin: 'x'.repeat(200_000),
      stdout,
    });
    expect(run.ok).toBe(true);
    expect(heard.join('').length).toBe(200_000);
    expect(stdout.writableEnded).toBe(false);
    expect(stdout.listenerCount('unpipe')).toBe(0);
  });

  test('a stream that breaks does not stop the command', async () => {
    const { script } = open();
    const stdout = new Writable({ write: (_chunk, _encoding, done) => done(new Error('gone')) });
    stdout.on('error', () => undefined);
    const run = await script('console.log("x".repeat(300000)); console.log("end")', { stdout });
    expect(run).toMatchObject({ ok: true });
    expect(run.stdout.length).toBe(300_005);
  });

  test('the event can be made of the result; what it says itself wins', async () => {
    const { ledger, recorded } = open();
    await ledger.execute(
      'deploy.finished',
      ({ durationMs, exitCode }) => ({
        actor,
        data: { durationMs },
        outcome: exitCode === 77 ? 'denied' : undefined,
      }),
      node,
      ['-e', 'process.exit(77)'],
    );
    expect(await recorded()).toMatchObject([{ outcome: 'denied', error: { code: 'EXIT_77' } }]);
  });

  test('a description that throws costs the event, counted, not the result', async () => {
    const { ledger } = open();
    const describeBadly = (): never => {
      throw new Error('no');
    };
    const run = await ledger.execute('deploy.finished', describeBadly, node, ['-e', '1']);
    expect(run).toMatchObject({ ok: true, receipt: { status: 'rejected', cause: 'invalid' } });
    expect(ledger.stats().byCategory['deploy']?.rejected.invalid).toBe(1);
  });

  test('wrong options are refused before anything runs', async () => {
    const { script } = open();
    const wrong = { timeoutMs: 0, secrets: 'hunter2', shell: true };
    const failure: unknown = await script('1', wrong).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'CONFIG_INVALID' });
    expect(String(failure)).toMatch(/timeoutMs.*secrets/);
    expect(String(failure)).not.toContain('hunter2');
    const { ledger } = open();
    const args = ['-p', 7] as unknown as string[];
    await expect(ledger.execute('deploy.command.run', { actor }, '', args)).rejects.toThrow(
      /command.*args\.1/,
    );
  });
});
