import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { CLUSTER_SETTINGS } from '../../clickhouse/cluster.ts';

const text = (path: string): string =>
  readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
const guide = text('docs/operations.md');

/** Names and defaults, as `NAME=value`. */
const sorted = (list: Iterable<string>): string[] => [...list].toSorted();
const example = text('.env.example').match(/^[A-Z][A-Z0-9_]*=.*$/gm) ?? [];

describe('the operations guide', () => {
  test('has every option of .env.example with its default, and no other', () => {
    const rows = guide.matchAll(/^\| `([A-Z][A-Z0-9_]*)`\s*\| (?:`([^`]*)`)?\s*\|/gm);
    const told = [...rows].map(([, name, value = '']) => `${name}=${value}`);
    expect(sorted(told)).toEqual(sorted(example));
  });

  test.each(['consumers/config.ts', 'cli/environment.ts', 'schemas/kafka-security.ts'])(
    'and .env.example have every option that %s reads',
    (source) => {
      const names = new Set(
        text(source).match(/\b(?:LEDGERLINE|AUDIT_TRAIL)_[A-Z][A-Z0-9_]*[A-Z0-9]\b/g),
      );
      const known = new Set(example.map((line) => line.split('=')[0]));
      expect([...names].filter((name) => !known.has(name))).toEqual([]);
    },
  );

  test('links to files and headings that are there', () => {
    const anchors = [...guide.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
      heading
        .toLowerCase()
        .replaceAll(/[^\w\s-]/g, '')
        .replaceAll(' ', '-'),
    );
    const targets = [...guide.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = '']) => target);
    const isThere = (target: string): boolean => {
      const [path = '', anchor = ''] = target.split('#');
      return path === ''
        ? anchors.includes(anchor)
        : existsSync(new URL(`../../docs/${path}`, import.meta.url));
    };
    expect(targets.filter((target) => !isThere(target))).toEqual([]);
  });

  test('makes the topic as docker-compose.yml does, but for replicas', () => {
    const { topic } = (
      parse(text('docker-compose.yml')) as { services: Record<string, { command: string[] }> }
    ).services;
    const settings =
      topic?.command.flatMap((word) => /^--config=(.+)=(.+)$/.exec(word)?.slice(1, 3) ?? []) ?? [];
    expect(settings.length).toBeGreaterThan(4);
    for (const word of settings) expect(guide).toContain(word);
  });

  test('names what workers say to a cluster', () => {
    for (const name of [
      'distributed_foreground_insert',
      'insert_quorum',
      'insert_quorum_parallel',
      'select_sequential_consistency',
    ]) {
      expect(CLUSTER_SETTINGS).toHaveProperty(name);
      expect(guide).toContain(name);
    }
  });
});
