import { UsageError } from '../failure.ts';

const SETTING = /^([\w-]+\.\w+)=(.+)$/s;

/**
 * `actor-volume.z=8` or `protected-change.types=a,b`, as often as given. What there is to set is
 * checked by `detect`. Pure.
 *
 * @throws UsageError for what is no setting
 */
export function thresholdsOf(
  settings: readonly string[],
): Readonly<Record<string, number | readonly string[]>> {
  return Object.fromEntries(
    settings.map((setting) => {
      const [, key, text] = SETTING.exec(setting) ?? [];
      if (key === undefined || text === undefined) {
        throw new UsageError(
          '--set takes detector.threshold=value.',
          'For example: --set actor-volume.z=8. `ledgerline detect --list` shows all.',
        );
      }
      const isNumber = /^-?\d+(?:\.\d+)?$/.test(text);
      return [key, isNumber ? Number(text) : text.split(',')];
    }),
  );
}
