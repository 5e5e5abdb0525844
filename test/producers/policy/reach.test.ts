import { describe, expect, test } from 'vitest';
import { faultText, readPolicy } from '../../../producers/policy/document.ts';
import { idleExclusions } from '../../../producers/policy/idle-exclusions.ts';
import { checkReach } from '../../../producers/policy/reach.ts';
import { policySchema, type PolicyDocument } from '../../../schemas/index.ts';
import { catalog } from '../catalog.ts';

type RuleDocument = NonNullable<PolicyDocument['rules']>[number];

const NOW_MS = Date.parse('2026-11-22T12:00:00Z');
const about = { owner: 'platform', reason: 'a test', expires: 'never' } as const;
type Short = Partial<RuleDocument> & Pick<RuleDocument, 'match'>;

const ruleOf = (short: Short, index: number): RuleDocument =>
  ({ ...about, id: `r${index}`, action: 'drop', ...short }) as RuleDocument;

function check(rules: readonly Short[], rest: Partial<PolicyDocument> = {}, service?: string) {
  const policy = policySchema.parse({
    version: 1,
    level: 'all',
    ...rest,
    rules: rules.map(ruleOf),
  } satisfies PolicyDocument);
  const { errors, warnings } = checkReach(policy, { catalog, service, nowMs: NOW_MS });
  return { errors: errors.map(faultText), warnings: warnings.map(faultText) };
}

describe('R-EDGE-07: rules that would silence what no rule may', () => {
  test.each<[Short['match'], string]>([
    [{ category: 'security' }, 'rules[0].match.category matches security.key.viewed'],
    [{ type: 'security.*' }, 'rules[0].match.type matches security.key.viewed'],
    [{ type: '*.viewed' }, 'rules[0].match.type matches security.key.viewed'],
    [{ category: ['app', 'ledger'] }, 'rules[0].match.category matches ledger.policy.changed'],
    [{ type: 'ledger.*' }, 'rules[0].match.type matches ledger.policy.changed'],
  ])('%j', (match, fault) => {
    const text = `${fault}, which is protected: no rule can silence it`;
    for (const action of [
      { action: 'drop' },
      { action: 'sample', rate: 0.5 },
      { action: 'limit', limit: { events: 1, seconds: 1 } },
    ] as const) {
      expect(check([{ match, ...action }]).errors).toEqual([text]);
    }
  });

  test('a rule that names neither category nor type passes over what is protected', () => {
    expect(check([{ match: { tenant: 'test' } }]).errors).toEqual([]);
    expect(check([{ match: { category: 'app', type: '*.viewed' } }]).errors).toEqual([]);
  });

  test('failures and denials are not to be sampled', () => {
    const rule = { match: { category: 'app', outcome: ['success', 'denied'] } } as const;
    expect(check([{ ...rule, action: 'sample', rate: 0.1 }]).errors).toEqual([
      'rules[0].match.outcome names denied: failures and denials are never sampled',
    ]);
    expect(check([{ ...rule, action: 'drop' }]).errors).toEqual([]);
  });
});

describe('R-EDGE-07: rules that can never match', () => {
  test.each<[Short['match'], string]>([
    [
      { category: 'apps' },
      'rules[0].match.category[0] is no category of the catalog; it has app, security, server, ledger',
    ],
    [{ category: 'x*' }, 'rules[0].match.category[0] matches no category of the catalog'],
    [
      { type: 'app.creatde' },
      'rules[0].match.type[0] is no type of the catalog. Did you mean "app.created"?',
    ],
    [{ type: ['app.*', 'x.*'] }, 'rules[0].match.type[1] matches no type of the catalog'],
    [
      { category: 'app', type: 'server.*' },
      'rules[0].match can never match: no type of the category app and is named server.*',
    ],
    [
      { category: 'app', operation: 'export' },
      'rules[0].match can never match: no type of the category app and has the operation export',
    ],
    [
      { category: 'app', type: 'app.viewed', operation: 'update' },
      'rules[0].match can never match: no type of the category app and is named app.viewed and has the operation update',
    ],
  ])('%j', (match, fault) => {
    expect(check([{ match, action: 'keep' }]).errors).toEqual([fault]);
  });

  test('an alias is a name of its type; a free-form category has any type below it', () => {
    const good = [{ type: 'health_check' }, { type: 'server.note' }, { type: 'server.n*' }];
    for (const match of good) expect(check([{ match }]).errors).toEqual([]);
  });

  test('what is protected skips rules, so that none can keep it either', () => {
    expect(check([{ match: { category: 'security' }, action: 'keep' }]).errors).toEqual([
      'rules[0].match can never match: all that it names is protected and skips rules',
    ]);
  });

  test('what the level or an exclusion takes before', () => {
    const match = { type: 'app.viewed', outcome: 'success' } as const;
    const taken = (level: string) =>
      `rules[0].match can never match: the level ${level} or an exclusion takes all that it names before`;
    expect(check([{ match }], { level: 'writes_only' }).errors).toEqual([taken('writes_only')]);
    expect(check([{ match }], { exclude: { actions: ['app.v*'] } }).errors).toEqual([taken('all')]);
    expect(check([{ match: { type: 'app.viewed' } }], { level: 'writes_only' }).errors).toEqual([]);
  });

  test('what an earlier rule takes whole', () => {
    const shadow = (index: number, by: string) =>
      `rules[${index}].match can never match: the rule "${by}" above takes everything that it matches`;
    expect(
      check([{ match: { category: 'app', tenant: 'a*' } }, { match: { type: 'app.created' } }])
        .errors,
    ).toEqual([]);
    expect(
      check([
        { match: { tenant: 'acme*' } },
        { match: { type: 'app.created', tenant: ['acme', 'acme-eu*'] } },
      ]).errors,
    ).toEqual([shadow(1, 'r0')]);
    expect(
      check([{ match: { type: 'server.*' } }, { match: { type: 'server.note', tenant: 'x' } }])
        .errors,
    ).toEqual([shadow(1, 'r0')]);
  });

  test('what several earlier rules take together', () => {
    const parts = ['success', 'failure', 'denied', 'unknown'] as const;
    const rules: Short[] = parts.map((outcome) => ({ match: { type: 'app.created', outcome } }));
    const last: Short = { match: { type: 'app.created', tenant: 'acme' } };
    expect(check([...rules, last]).errors).toEqual([
      'rules[4].match can never match: the rules above take everything that it matches: "r3", "r0", "r1", "r2"',
    ]);
    expect(check([...rules.slice(1), last]).errors).toEqual([]);
  });

  test('rules of another service are left to that service', () => {
    const rule: Short = { match: { type: 'billing.paid', service: 'billing' } };
    expect(check([rule], {}, 'panel').errors).toEqual([]);
    expect(check([rule], {}, 'billing').errors).toHaveLength(1);
    expect(check([rule]).errors).toHaveLength(1);
  });
});

describe('parts without effect', () => {
  test('an expired rule is passed over, with a warning', () => {
    const gone: Short = { match: { type: 'no.such' }, expires: '2026-11-21' };
    const today: Short = { match: { type: 'app.created' }, expires: '2026-11-22' };
    expect(check([gone, today])).toEqual({
      errors: [],
      warnings: ['rules[0].expires has passed: the rule "r0" no longer applies'],
    });
  });

  test('sampling of what the level does not keep', () => {
    const sampling = { rate: 0.1 };
    expect(check([], { level: 'writes_only', sampling }).warnings).toEqual([
      'sampling.rate samples nothing: only reads are sampled, and the level writes_only keeps none',
    ]);
    expect(check([], { level: 'all', sampling }).warnings).toEqual([]);
    const rule: Short = { match: { type: 'app.viewed' }, action: 'sample', rate: 0.1 };
    expect(check([rule], { level: 'writes_only' }).warnings).toEqual([
      'rules[0].rate samples nothing: the level writes_only leaves only failures and denials of it',
    ]);
  });

  test('exclusions of what is unknown or protected', () => {
    const policy = policySchema.parse({
      version: 1,
      exclude: { actions: ['health_check', 'app.gone', 'security.*'] },
    } satisfies PolicyDocument);
    expect(idleExclusions(policy, catalog).map(faultText)).toEqual([
      'exclude.actions[1] excludes nothing: the catalog has no such type',
      'exclude.actions[2] does not exclude security.key.viewed, which is protected',
    ]);
  });
});

test('a fault that only the catalog can show has its line and column too', () => {
  const rule =
    '  - { id: a, owner: o, reason: r, expires: never, match: { type: [app.created, app.gone] }, action: drop }';
  const read = readPolicy(`version: 1\nrules:\n${rule}\n`);
  if (!read.ok) throw new Error('it is a policy');
  const { errors } = checkReach(read.policy, { catalog, nowMs: NOW_MS });
  expect(read.locate(errors[0]?.path ?? [])).toEqual({
    line: 3,
    column: rule.indexOf('app.gone') + 1,
  });
});

test('R-EDGE-07: a rule that expires shadows none that outlasts it', () => {
  const match = { type: 'app.created' } as const;
  const incident: Short = { match: { type: 'app.*' }, action: 'keep', expires: '2026-12-01' };
  expect(check([incident, { match }]).errors).toEqual([]);
  expect(check([incident, { match, expires: '2026-12-02' }]).errors).toEqual([]);
  expect(check([incident, { match, expires: '2026-12-01' }]).errors).toHaveLength(1);
});
