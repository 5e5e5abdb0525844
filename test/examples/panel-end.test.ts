import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from 'vitest';

const PANEL = fileURLToPath(new URL('../../dist/examples/panel/main.js', import.meta.url));

/** The panel as a process, with no Kafka anywhere. */
async function startPanel(onTestFinished: (end: () => void) => void) {
  const folder = mkdtempSync(join(tmpdir(), 'ledgerline-test-panel-'));
  const child = spawn(process.execPath, [PANEL], {
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    env: {
      PATH: process.env['PATH'],
      PORT: '0',
      PANEL_SPOOL: folder,
      LEDGERLINE_KAFKA_BROKERS: '127.0.0.1:1',
    },
  });
  onTestFinished(() => {
    child.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  });
  const exited = once(child, 'exit') as Promise<[number | null, string | null]>;
  const [{ url }] = (await once(child, 'message')) as [{ url: string }];
  return { url, end: () => (child.kill('SIGTERM'), exited) };
}

const SERVER = { name: 'web-1', region: 'fra', size: 's' };

test.concurrent.for([
  { ends: '0 when all is on disk', path: '/sessions', body: { user: 'u_1' }, code: 0 },
  { ends: '1 when an event is left nowhere', path: '/servers', body: SERVER, code: 1 },
])(
  'R-EDGE-06: the panel ends with $ends',
  async ({ path, body, code }, { expect, onTestFinished }) => {
    const panel = await startPanel(onTestFinished);
    const { status } = await fetch(`${panel.url}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-user': 'u_1' },
      body: JSON.stringify(body),
    });
    expect(status).toBe(201);
    expect(await panel.end()).toEqual([code, null]);
  },
);
