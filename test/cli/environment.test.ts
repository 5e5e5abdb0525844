import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { readEnvironment } from '../../cli/environment.ts';
import { policyOfOptions } from '../../producers/policy/policy-options.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** The variables of .env.example with the values it shows. */
const example = Object.fromEntries(
  readFileSync(`${root}/.env.example`, 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line): [string, string] => {
      const at = line.indexOf('=');
      return [line.slice(0, at), line.slice(at + 1)];
    }),
);

/** The variables that the sources name. */
function named(): Set<string> {
  const found = new Set<string>();
  for (const part of [
    'cli',
    'clickhouse',
    'consumers',
    'local',
    'outbox',
    'producers',
    'schemas',
  ]) {
    for (const file of readdirSync(`${root}/${part}`, { recursive: true, encoding: 'utf8' })) {
      if (!file.endsWith('.ts')) continue;
      const text = readFileSync(`${root}/${part}/${file}`, 'utf8');
      for (const [name] of text.matchAll(/\b(?:LEDGERLINE|AUDIT_TRAIL)_[A-Z][A-Z_]*[A-Z]\b/g)) {
        found.add(name);
      }
    }
  }
  return found;
}

describe('R-DOC-01: .env.example', () => {
  it('has every variable that the sources name, and no other', () => {
    expect(Object.keys(example).toSorted()).toEqual([...named()].toSorted());
  });

  it('shows the defaults: with all of it, everything is as with none of it', () => {
    const { edge, ...given } = readEnvironment(example);
    const { edge: edgeDefaults, ...defaults } = readEnvironment({});
    expect(given).toEqual(defaults);
    // The same policy, and events that leave in the same way.
    expect(policyOfOptions(edge)).toEqual(policyOfOptions(edgeDefaults));
    const { policy, async = true, batch, flushIntervalMs } = edge;
    expect({ policy, async, batch, flushIntervalMs }).toEqual({ async: true });
    expect(edgeDefaults.async ?? true).toBe(true);
  });

  it('says what every variable is for', () => {
    const text = readFileSync(`${root}/.env.example`, 'utf8');
    const groups = text.split('\n\n').filter((group) => /^[A-Z]/m.test(group));
    for (const group of groups) expect(group).toMatch(/^#/);
  });

  it('R-DLV-06: is told whole in docs/operations.md', () => {
    const operations = readFileSync(`${root}/docs/operations.md`, 'utf8');
    const untold = Object.keys(example).filter((name) => !operations.includes(`\`${name}\``));
    expect(untold).toEqual([]);
  });
});
