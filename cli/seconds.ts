import { InvalidArgumentError } from 'commander';

/** A deadline given on the command line. */
export function seconds(text: string): number {
  const value = Number(text);
  if (!(value > 0 && value <= 86_400)) {
    throw new InvalidArgumentError('It is a number of seconds, at most 86400.');
  }
  return value;
}
