import { readFileSync } from 'node:fs';

export const pageOf = (name: string): string =>
  readFileSync(new URL(`../../docs/${name}`, import.meta.url), 'utf8');

/** Commands in backticks and in shell blocks. */
export const commandsOf = (text: string): string[] =>
  [
    ...text.matchAll(/`(?:[A-Z_]+=\S+ )*ledgerline ([^`]+)`|^(?:[A-Z_]+=\S+ )*ledgerline (.+)$/gm),
  ].map(([, inline, line]) => inline ?? line ?? '');

/** Words as a shell would give them. */
export const wordsOf = (command: string): string[] =>
  [...command.matchAll(/'([^']*)'|"([^"]*)"|(\S+)/g)].map(
    ([, single, double, bare]) => single ?? double ?? bare ?? '',
  );
