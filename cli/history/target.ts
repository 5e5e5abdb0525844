import type { TargetKey } from '../../clickhouse/index.ts';
import { UsageError } from '../failure.ts';

/** @throws UsageError for a target, or an actor, without type or id */
export function targetOf(text: string): TargetKey {
  const slash = text.indexOf('/');
  if (slash > 0 && slash < text.length - 1) {
    return { type: text.slice(0, slash), id: text.slice(slash + 1) };
  }
  throw new UsageError('There is no type and id.', 'Write them as type/id: app/app-7.');
}
