import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { builtInCatalog } from '../../../cli/emit/built-in-catalog.ts';
import { readPolicy } from '../../../producers/policy/document.ts';
import { idleExclusions } from '../../../producers/policy/idle-exclusions.ts';
import { checkReach } from '../../../producers/policy/reach.ts';

const page = readFileSync(new URL('../../../docs/policy.md', import.meta.url), 'utf8');

describe('docs/policy.md', () => {
  test('its example is a policy without a fault, by the built-in catalogs', () => {
    const [, yaml = ''] = /^```yaml\n([\s\S]*?)^```/mu.exec(page) ?? [];
    const read = readPolicy(yaml);
    if (!read.ok) throw new Error(JSON.stringify(read.faults));
    const nowMs = Date.parse('2026-11-22T12:00:00Z');
    expect(checkReach(read.policy, { catalog: builtInCatalog, nowMs })).toEqual({
      errors: [],
      warnings: [],
    });
    expect(idleExclusions(read.policy, builtInCatalog)).toEqual([]);
    expect(read.policy.rules.map(({ action }) => action)).toEqual([
      'keep',
      'drop',
      'sample',
      'limit',
    ]);
  });
});
