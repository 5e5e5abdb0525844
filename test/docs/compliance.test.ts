import { expect, test } from 'vitest';
import { program } from '../../cli/program.ts';
import { compile } from '../../clickhouse/search/compile.ts';
import { parseQuery } from '../../clickhouse/search/parse.ts';
import { resolve } from '../../clickhouse/search/resolve.ts';
import { ledgerEvents } from '../../schemas/index.ts';
import { commandsOf, pageOf, wordsOf } from './documents.ts';

const PAGES = [
  'audit-trails.md',
  'compliance.md',
  'erasure.md',
  'holds.md',
  'export.md',
  'retention.md',
];
test.each(PAGES)(
  'R-DOC-02 docs/%s: every command is one that exists, with options that it has',
  (name) => {
    const found = commandsOf(pageOf(name));
    expect(found.length).toBeGreaterThan(1);
    const faults = found.flatMap((command) => {
      let at = program();
      const rest = wordsOf(command);
      while (rest[0] !== undefined && !rest[0].startsWith('-')) {
        const next = at.commands.find((one) => one.name() === rest[0]);
        if (next === undefined) break;
        at = next;
        rest.shift();
      }
      if (at.parent === null) return [`${command}: no such command`];
      const known = new Set(at.options.flatMap(({ long, short }) => [long, short]));
      return rest
        .filter((word) => /^--?[a-z]/.test(word) && !known.has(word.split('=')[0] ?? ''))
        .map((option) => `${command}: no option ${option}`);
    });
    expect(faults).toEqual([]);
  },
);

test.each(PAGES)(
  'R-DOC-02 docs/%s: every query can be read, and names only event types that exist',
  (name) => {
    const queries = commandsOf(pageOf(name)).flatMap((command) => {
      const [first = '', second = '', third = ''] = wordsOf(command);
      const asks = ['search', 'facets', 'export', 'tail'].includes(first);
      if (asks && !second.startsWith('-')) return [second];
      return first === 'hold' && second === 'place' ? [third] : [];
    });
    const clock = { nowMs: Date.now(), timeZone: 'UTC' };
    const faults = queries.flatMap((query) => {
      try {
        compile(resolve(parseQuery(query), clock));
        const types = [...query.matchAll(/\bledger\.[a-z_.]+[a-z]/g)].map(([type]) => type);
        return types.filter(
          (type) =>
            ledgerEvents.resolve(type) === undefined &&
            !query.includes(`${type}.*`) &&
            !query.includes(`attributes.${type}`),
        );
      } catch (error) {
        return [`${query}: ${String(error)}`];
      }
    });
    expect(faults).toEqual([]);
  },
);
