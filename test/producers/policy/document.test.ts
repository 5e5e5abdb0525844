import { describe, expect, test } from 'vitest';
import { checkPolicy, faultText, readPolicy } from '../../../producers/policy/document.ts';

const faultsOf = (text: string): string[] => {
  const read = readPolicy(text);
  return read.ok ? [] : read.faults.map(faultText);
};

const RULE = `
  - id: quiet
    owner: platform
    reason: noise
    expires: 2027-03-31
    match: { type: gateway.* }
    action: drop`;

describe('R-EDGE-07: the policy document', () => {
  test('a policy with everything, in YAML', () => {
    const read = readPolicy(`
version: 1
level: all
exclude: { actions: [health_check], resources: [session] }
sampling: { rate: 0.25, of: all }
limits:
  default: { events: 100, seconds: 1, per: actor }
  protected: { events: 1000, seconds: 60 }
rules:${RULE}
  - id: thin-calls
    owner: gateway
    reason: they are many
    expires: never
    match:
      category: gateway
      operation: [read, execute]
      outcome: success
      severity: informational
      actor: { type: service, id: probe_* }
      target: { type: tool }
      tenant: acme
      service: [gateway, gateway-eu]
    action: sample
    rate: 0.1
  - id: slow-exports
    owner: gateway
    reason: exports come in bursts
    expires: 2027-03-31T12:00:00+02:00
    match: { operation: export }
    action: limit
    limit: { events: 10, seconds: 60, per: [tenant, actor] }
  - id: keep-vip
    owner: support
    reason: contract
    expires: never
    match: { tenant: vip }
    action: keep
`);
    expect(read).toMatchObject({
      ok: true,
      policy: {
        enabled: true,
        level: 'all',
        limits: { default: { per: ['actor'] } },
        rules: [
          { id: 'quiet', match: { type: ['gateway.*'] }, action: 'drop' },
          { id: 'thin-calls', match: { category: ['gateway'], actor: { id: ['probe_*'] } } },
          { id: 'slow-exports', limit: { per: ['tenant', 'actor'] } },
          { id: 'keep-vip' },
        ],
      },
    });
  });

  test('JSON is as good, indented with tabs too', () => {
    const text = JSON.stringify({ version: 1, level: 'all', sampling: { rate: 0.5 } }, null, '\t');
    expect(readPolicy(text)).toMatchObject({
      ok: true,
      policy: { level: 'all', sampling: { rate: 0.5, of: 'reads' } },
    });
  });

  test('a byte order mark and the line ends of Windows do not matter', () => {
    expect(readPolicy('\ufeffversion: 1\r\nlevel: all\r\n')).toMatchObject({ ok: true });
    expect(faultsOf('\ufeffversion: 1\r\nlevel: al\r\n')[0]).toContain('line 2, column 8: level');
  });

  test('all faults at once, each with line and column', () => {
    expect(
      faultsOf(`version: 2
level: al
levle: all
sampling: { rate: 1.5 }
rules:
  - id: Quiet
    owner: platform
    reason: noise
    expires: 2027-02-30
    match: { type: [], colour: red, outcome: sucess }
    action: dorp
  - id: b
    reason: none
    expires: soon
    match: {}
    action: sample
    rate: -0.1
  - owner: x
    id: c
    reason: none
    expires: never
    match: { tenant: x }
    action: limit
    limit: { events: 0, seconds: 1, per: colour }
`),
    ).toEqual([
      'line 1, column 10: version must be 1, the version of this format',
      'line 2, column 8: level must be one of all, writes_only, mutations_only, deletes_only, failures_only',
      'line 3, column 1: levle is not known here',
      'line 4, column 19: sampling.rate must be 0, or from 0.000001 to 1',
      'line 6, column 9: rules[0].id must be a name such as sample-reads',
      'line 9, column 14: rules[0].expires must be a date such as 2027-03-31, or never',
      'line 10, column 20: rules[0].match.type is empty and so matches nothing: leave it out to match everything',
      'line 10, column 24: rules[0].match.colour is not known here',
      'line 10, column 46: rules[0].match.outcome[0] must be one of unknown, success, failure, denied',
      'line 11, column 13: rules[0].action must be keep, drop, sample or limit',
      'line 12, column 5: rules[1].owner is missing: must be a text',
      'line 14, column 14: rules[1].expires must be a date such as 2027-03-31, or never',
      "line 15, column 5: rules[1].match says nothing: name what it matches, or everything with type: '*'",
      'line 17, column 11: rules[1].rate must be 0, or from 0.000001 to 1',
      'line 24, column 22: rules[2].limit.events must be at least 1',
      'line 24, column 42: rules[2].limit.per[0] must be one of tenant, actor, target, category, type',
    ]);
  });

  test('faults inside of a rule', () => {
    expect(
      faultsOf(`version: 1
rules:
  - id: Quiet
    owner: ""
    reason: noise
    expires: 2027-02-30
    match: { type: [], colour: red, outcome: sucess }
    action: drop
    rate: 0.1
`),
    ).toEqual([
      'line 3, column 9: rules[0].id must be a name such as sample-reads',
      'line 4, column 12: rules[0].owner is empty',
      'line 6, column 14: rules[0].expires must be a date such as 2027-03-31, or never',
      'line 7, column 20: rules[0].match.type is empty and so matches nothing: leave it out to match everything',
      'line 7, column 24: rules[0].match.colour is not known here',
      'line 7, column 46: rules[0].match.outcome[0] must be one of unknown, success, failure, denied',
      'line 9, column 5: rules[0].rate is not known here',
    ]);
  });

  test('an id is used once', () => {
    expect(faultsOf(`version: 1\nrules:${RULE}${RULE}\n`)).toEqual([
      'line 9, column 9: rules[1].id "quiet" is the id of an earlier rule too',
    ]);
  });

  test.each([
    ['', 'line 1, column 1: the policy must be a group of keys'],
    ['- 1\n', 'line 1, column 1: the policy must be a group of keys'],
    ['level: all\n', 'line 1, column 1: version is missing: must be 1, the version of this format'],
    [
      'version: 1\nrules:\n  - { id: a, owner: o, reason: r, expires: never, match: { type: x } }\n',
      'line 3, column 5: rules[0].action is missing: must be keep, drop, sample or limit',
    ],
    ['version: 1\nrules: [quiet]\n', 'line 2, column 9: rules[0] must be a group of keys'],
    [
      'version: 1\nlevel: all\nlevel: all\n',
      'line 3, column 1: the policy is neither YAML nor JSON: Map keys must be unique',
    ],
    [
      'version: 1\nrules: [\n',
      'line 3, column 1: the policy is neither YAML nor JSON: Flow sequence in block collection must be sufficiently indented and end with a ]',
    ],
    ['x'.repeat(1024 * 1024 + 1), 'the policy is larger than 1 MiB'],
  ])('%#: what is no policy', (text, fault) => {
    expect(faultsOf(text)[0]).toBe(fault);
  });

  test('aliases that blow up are refused', () => {
    const bomb = ['a: &a [x, x, x, x, x, x, x, x, x]'];
    for (const [name, of] of Object.entries({ b: 'a', c: 'b', d: 'c', e: 'd', f: 'e' })) {
      bomb.push(`${name}: &${name} [${Array(9).fill(`*${of}`).join(', ')}]`);
    }
    expect(faultsOf(bomb.join('\n'))).toEqual(['the policy repeats itself too often with aliases']);
  });
});

test('R-EDGE-07: a match whose only values are undefined would match everything, and is refused', () => {
  const rule = { id: 'a', owner: 'o', reason: 'r', expires: 'never', action: 'drop' };
  const faultsFor = (match: unknown) => {
    const read = checkPolicy({ version: 1, rules: [{ ...rule, match }] });
    return read.ok ? [] : read.faults.map(faultText);
  };
  const fault = "rules[0].match says nothing: name what it matches, or everything with type: '*'";
  expect(faultsFor({ actor: { id: undefined } })).toEqual([fault]);
  expect(faultsFor({ target: { type: undefined }, tenant: undefined })).toEqual([fault]);
  expect(faultsFor({ actor: { id: undefined }, tenant: 'a' })).toEqual([]);
});
