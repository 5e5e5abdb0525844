import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { watchPolicyFile } from '../../../producers/policy/policy-file.ts';

test('R-EDGE-07: what is being read when a ledger closes does not come into force', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'policy-'));
  try {
    const file = join(folder, 'policy.yaml');
    writeFileSync(file, 'version: 1\n');
    const told: unknown[] = [];
    const tell = (what: unknown): void => void told.push(what);
    watchPolicyFile(file, { onPolicy: tell, onRefused: tell })[Symbol.dispose]();
    // The watcher's reading began before these.
    for (let reading = 0; reading < 20; reading += 1) await readFile(file);
    expect(told).toEqual([]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
