import { LedgerlineError } from '../../schemas/index.ts';
import type { Detector, Threshold } from './detector.ts';

/** By `detector.threshold`. */
export type Thresholds = Readonly<Record<string, number | readonly string[]>>;

/**
 * The detectors that are asked for, with other thresholds where they are given. Pure.
 *
 * @throws LedgerlineError `CONFIG_INVALID` naming what is unknown, and what there is
 */
export function tuned(
  detectors: readonly Detector[],
  only: readonly string[] | undefined,
  thresholds: Thresholds = {},
): Detector[] {
  const names = new Set(detectors.map(({ name }) => name));
  const strange = only?.find((name) => !names.has(name));
  if (strange !== undefined) throw unknownDetector(strange, names);
  for (const key of Object.keys(thresholds)) check(detectors, key);
  return detectors
    .filter(({ name }) => only === undefined || only.includes(name))
    .map((detector) => ({
      ...detector,
      thresholds: Object.fromEntries(
        Object.entries(detector.thresholds).map(([name, threshold]) => [
          name,
          withValue(threshold, thresholds[`${detector.name}.${name}`], `${detector.name}.${name}`),
        ]),
      ),
    }));
}

function withValue(
  threshold: Threshold,
  value: number | readonly string[] | undefined,
  key: string,
): Threshold {
  if (value === undefined) return threshold;
  if (threshold.type === 'Float64' && typeof value === 'number' && Number.isFinite(value)) {
    return { ...threshold, value };
  }
  if (threshold.type === 'Array(String)' && typeof value !== 'number') {
    return { ...threshold, value };
  }
  throw new LedgerlineError(
    'CONFIG_INVALID',
    `the threshold ${key} is ${threshold.type === 'Float64' ? 'a number' : 'a list of names'}`,
    { hint: threshold.says },
  );
}

function check(detectors: readonly Detector[], key: string): void {
  const [name = '', threshold = ''] = key.split('.');
  const detector = detectors.find((one) => one.name === name);
  if (detector === undefined)
    throw unknownDetector(
      name,
      detectors.map((one) => one.name),
    );
  if (Object.hasOwn(detector.thresholds, threshold)) return;
  throw new LedgerlineError('CONFIG_INVALID', `${name} has no threshold of that name`, {
    hint: `It has: ${Object.keys(detector.thresholds).join(', ')}.`,
  });
}

const unknownDetector = (name: string, known: Iterable<string>): LedgerlineError =>
  new LedgerlineError(
    'CONFIG_INVALID',
    `there is no detector ${/^[\w-]{1,50}$/.test(name) ? name : 'of that name'}`,
    { hint: `There are: ${[...known].join(', ')}.` },
  );
