/** Connections to Kafka for one who joins no group: kafkajs hands them out to consumers alone. */
import type { Fence } from './fence.ts';
import { connectKafka, fenceFor, type KafkaOptions } from './kafka.ts';

export interface Outsider {
  readonly fence: Fence;
  readonly connect: () => Promise<void>;
  /** Never rejects. */
  readonly close: () => Promise<void>;
}

/** @param retries of kafkajs, for each connection and request: few where somebody waits for an answer */
export function outsider(options: KafkaOptions, retries: number): Outsider {
  const fence = fenceFor(options.topic);
  const consumer = connectKafka(options, retries).consumer({
    groupId: options.group,
    partitionAssigners: [fence.assigner],
    allowAutoTopicCreation: false,
  });
  return {
    fence,
    connect: () => consumer.connect(),
    close: () => consumer.disconnect().catch(() => undefined),
  };
}
