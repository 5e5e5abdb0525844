/** Asks Kafka what a doctor wants to know. Only reads; joins no group, writes nothing. */
import type { Admin, Broker, Cluster } from 'kafkajs';
import { pause } from '../backoff.ts';
import { beforeDeadline } from '../deadline.ts';
import { askRaw } from '../fence.ts';
import { ConfigResourceTypes, connectKafka, type KafkaOptions } from '../kafka.ts';
import { explainKafka, isRefusal } from '../kafka-errors.ts';
import { outsider } from '../outsider.ts';
import { deadLetterFault } from '../quarantine/dead-letter-topic.ts';
import { topicMissing } from '../topic.ts';
import type { WorkerError } from '../worker-error.ts';
import {
  askClock,
  askGroup,
  askTopic,
  askVersion,
  type GroupRights,
  type Question,
  type TopicReplicas,
} from './questions.ts';

export interface KafkaFacts {
  readonly brokers: number;
  readonly metadataVersion: number | undefined;
  /** `undefined` where the question was refused. */
  readonly brokerConfig: Readonly<Record<string, string>> | undefined;
  readonly topicConfig: Readonly<Record<string, string>> | undefined;
  readonly topic: TopicReplicas | undefined;
  /** `'no coordinator'`: nobody could be asked. */
  readonly group: GroupRights | 'no coordinator' | undefined;
  /** What stands in the way of dead letters, where there is a topic for them. */
  readonly deadLetters: WorkerError | 'fine' | undefined;
  /** How far the controller's clock is ahead of ours, and by how much this may be wrong. */
  readonly clock: { readonly skewMs: number; readonly unsureMs: number } | undefined;
}

/** Kafka's error for what this user may not see. */
const TOPIC_DENIED = 29;

/** @throws WorkerError KAFKA_UNREACHABLE, KAFKA_REFUSED, KAFKA_TOPIC_MISSING, within the deadline */
export async function probeKafka(
  options: KafkaOptions,
  deadLetterTopic: string | undefined,
  deadlineMs: number,
): Promise<KafkaFacts> {
  const { fence, connect, close } = outsider(options, 1);
  const admin = connectKafka(options, 1).admin();
  const ask = async (): Promise<KafkaFacts> => {
    await Promise.all([admin.connect(), connect()]);
    const { brokers, controller } = await admin.describeCluster();
    if (!(await admin.listTopics()).includes(options.topic)) throw topicMissing(options);
    await fence.cluster.addMultipleTargetTopics([options.topic]);
    // The one that may have to be waited for is asked beside the others.
    const group = groupOf(fence.cluster, options.group);
    const node = await fence.cluster.findControllerBroker();
    const topic = await put(node, askTopic(options.topic));
    const version = await attempt(() => put(node, askVersion));
    return {
      brokers: brokers.length,
      metadataVersion: version?.metadataVersion,
      topic: topic.errorCode === TOPIC_DENIED ? undefined : topic,
      deadLetters:
        deadLetterTopic === undefined
          ? undefined
          : (deadLetterFault(
              options,
              deadLetterTopic,
              await put(node, askTopic(deadLetterTopic)),
            ) ?? 'fine'),
      group: await group,
      topicConfig: await configOf(admin, ConfigResourceTypes.TOPIC, options.topic),
      brokerConfig: await configOf(
        admin,
        ConfigResourceTypes.BROKER,
        String(controller ?? brokers[0]?.nodeId),
      ),
      clock: await attempt(() => clockOf(node)),
    };
  };
  try {
    return await beforeDeadline(ask(), deadlineMs);
  } catch (error) {
    throw explainKafka(error, options);
  } finally {
    void admin.disconnect().catch(() => undefined);
    void close();
  }
}

const put = <T>(broker: Broker, question: Question<T>): Promise<T> => askRaw(broker, question);

/** What may be refused, or not exist in an older version, without the rest being of less use. */
const attempt = <T>(question: () => Promise<T>): Promise<T | undefined> =>
  question().catch(() => undefined);

/** A broker that has just started, or never had a group, takes a moment to know who coordinates it. */
const COORDINATOR_STARTS = new Set([14, 15, 16]);
const COORDINATOR_PAUSE_MS = 300;
const COORDINATOR_DEADLINE_MS = 6_000;

async function groupOf(cluster: Cluster, group: string): Promise<KafkaFacts['group']> {
  const over = AbortSignal.timeout(COORDINATOR_DEADLINE_MS);
  while (!over.aborted) {
    try {
      const coordinator = await cluster.findGroupCoordinator({ groupId: group });
      const rights = await put(coordinator, askGroup(group));
      if (rights.errorCode === 0) return rights;
      if (!COORDINATOR_STARTS.has(rights.errorCode)) return undefined;
    } catch (error) {
      if (isRefusal(error)) return undefined;
    }
    await pause(COORDINATOR_PAUSE_MS, over);
  }
  return 'no coordinator';
}

async function clockOf(node: Broker): Promise<KafkaFacts['clock']> {
  const asked = Date.now();
  const { nowMs } = await put(node, askClock);
  const answered = Date.now();
  if (nowMs === undefined) return undefined;
  return { skewMs: nowMs - (asked + answered) / 2, unsureMs: (answered - asked) / 2 };
}

async function configOf(
  admin: Admin,
  type: (typeof ConfigResourceTypes)['TOPIC' | 'BROKER'],
  name: string,
): Promise<Readonly<Record<string, string>> | undefined> {
  const answer = await attempt(() =>
    admin.describeConfigs({ includeSynonyms: false, resources: [{ type, name }] }),
  );
  const entries = answer?.resources[0]?.configEntries ?? [];
  if (entries.length === 0) return undefined;
  return Object.fromEntries(entries.map((entry) => [entry.configName, entry.configValue]));
}
