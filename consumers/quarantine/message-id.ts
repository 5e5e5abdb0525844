/** The name of a quarantined message: its position in Kafka, as people paste it. */
import { LedgerlineError } from '../../schemas/index.ts';

export interface MessageId {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  /** Start of the topic's id in hex: tells topics apart that bore the same name one after another. */
  readonly topicIdStart?: string | undefined;
}

/** How much of a topic's id stands in a message's id, where it has to. */
const TOPIC_ID_DIGITS = 8;

const SHAPE = /^([A-Za-z0-9._-]{1,249})\/(\d{1,10})@(\d{1,16})(?:#([0-9a-f]{8}))?$/;

/**
 * Reads `topic/partition@offset`, or `topic/partition@offset#0c8d7f8e` with the start of the topic's id.
 *
 * @throws LedgerlineError CONFIG_INVALID
 * @example
 * parseMessageId('audit.events/3@1042'); // { topic: 'audit.events', partition: 3, offset: 1042 }
 */
export function parseMessageId(text: string): MessageId {
  const [, topic, partition, offset, topicIdStart] = SHAPE.exec(text) ?? [];
  const id = { partition: Number(partition), offset: Number(offset) };
  if (topic === undefined || id.partition > 0x7fffffff || !Number.isSafeInteger(id.offset)) {
    throw new LedgerlineError('CONFIG_INVALID', 'A message is named topic/partition@offset.', {
      hint: 'Paste an id as `ledgerline quarantine list` prints it: audit.events/3@1042.',
    });
  }
  return topicIdStart === undefined ? { topic, ...id } : { topic, ...id, topicIdStart };
}

export interface Position {
  readonly topic: string;
  readonly topicId: string;
  readonly partition: number;
  readonly offset: number;
}

/** `isAmbiguous`: another topic of this name has been in quarantine too. */
export function formatMessageId(position: Position, isAmbiguous = false): string {
  const { topic, topicId, partition, offset } = position;
  const plain = `${topic}/${partition}@${offset}`;
  return isAmbiguous ? `${plain}#${topicId.slice(0, TOPIC_ID_DIGITS)}` : plain;
}
