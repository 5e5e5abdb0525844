import { InvalidArgumentError } from 'commander';

/** A tenant's id given on the command line: an unset variable is not everybody, nor nobody. */
export function tenantId(text: string): string {
  if (text.trim() === '') throw new InvalidArgumentError('It is empty: name a tenant.');
  return text;
}

/** The same, given as often as there are tenants. */
export const tenantIds = (text: string, before: readonly string[] = []): readonly string[] => [
  ...before,
  tenantId(text),
];
