/** What Kafka says of the topic while a worker runs: how far it reaches, and how long it keeps events. */
import type { Admin } from 'kafkajs';
import { ConfigResourceTypes, connectKafka, type KafkaOptions } from '../kafka.ts';
import { explainKafka } from '../kafka-errors.ts';
import { Survey } from './survey.ts';

export interface TopicSurvey {
  /** By partition, the offset that the next message will get. */
  readonly highs: ReadonlyMap<number, number>;
  /** How long the topic keeps events; -1: for ever. */
  readonly retentionMs: number;
}

const EVERY_MS = 5_000;
const DEADLINE_MS = 4_000;

export interface WatchedTopic {
  readonly survey: Survey<TopicSurvey>;
  close(): Promise<void>;
}

/** A connection of its own, since the group's has waiting fetches on it; made anew when it fails. */
export function watchTopic(options: KafkaOptions): WatchedTopic {
  const { topic } = options;
  const kafka = connectKafka(
    { ...options, connectionTimeoutMs: 2_000, requestTimeoutMs: DEADLINE_MS },
    0,
  );
  let admin: Admin | undefined;
  const letGo = async (): Promise<void> => {
    const old = admin;
    admin = undefined;
    await old?.disconnect().catch(() => undefined);
  };
  const ask = async (): Promise<TopicSurvey> => {
    try {
      if (!admin) {
        admin = kafka.admin();
        await admin.connect();
      }
      const [offsets, { resources }] = await Promise.all([
        admin.fetchTopicOffsets(topic),
        admin.describeConfigs({
          includeSynonyms: false,
          resources: [
            { type: ConfigResourceTypes.TOPIC, name: topic, configNames: ['retention.ms'] },
          ],
        }),
      ]);
      const retention = resources[0]?.configEntries.find(
        ({ configName }) => configName === 'retention.ms',
      );
      return {
        highs: new Map(offsets.map(({ partition, high }) => [partition, Number(high)])),
        retentionMs: Number(retention?.configValue ?? -1),
      };
    } catch (error) {
      await letGo();
      throw explainKafka(error, options);
    }
  };
  const survey = new Survey({ ask, everyMs: EVERY_MS, deadlineMs: DEADLINE_MS });
  return {
    survey,
    async close() {
      survey.stop();
      await letGo();
    },
  };
}
