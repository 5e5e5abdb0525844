/**
 * Which event a quarantined message is. The id depends on the message alone, never on the transform or
 * on the moment: so whatever is sent for it, by whom and however often, the ledger knows it again.
 */
import { uuidv5 } from '../../schemas/index.ts';

const UUID = '[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}';
const WHOLE = new RegExp(`^${UUID}$`, 'i');
const IN_TEXT = new RegExp(`"event_id"\\s*:\\s*"(${UUID})"`, 'i');
const NIL = '00000000-0000-0000-0000-000000000000';

interface Quarantined {
  readonly topicId: string;
  readonly partition: number;
  readonly offset: number;
  readonly message: Buffer;
}

/**
 * The id that the message names, also where it is broken JSON; where it names none, one made from its
 * position. In lower case.
 */
export function eventIdOf({ topicId, partition, offset, message }: Quarantined): string {
  return named(message.toString('utf8')) ?? uuidv5(topicId, `${partition}@${offset}`);
}

function named(text: string): string | undefined {
  let id: unknown;
  try {
    const parsed: unknown = JSON.parse(text);
    if (typeof parsed === 'object' && parsed !== null) id = Reflect.get(parsed, 'event_id');
  } catch {
    id = IN_TEXT.exec(text)?.[1];
  }
  if (typeof id !== 'string' || !WHOLE.test(id) || id === NIL) return undefined;
  return id.toLowerCase();
}
