/** Whether copies of quarantined messages have somewhere to go. */
import { beforeDeadline } from '../deadline.ts';
import { allows, askTopic, type TopicReplicas } from '../doctor/questions.ts';
import { askRaw } from '../fence.ts';
import type { KafkaOptions } from '../kafka.ts';
import { explainKafka } from '../kafka-errors.ts';
import { outsider } from '../outsider.ts';
import { WorkerError } from '../worker-error.ts';

/** Kafka's error for what is not there; any other stands for what this user may not see. */
const UNKNOWN_TOPIC = 3;

/** What stands in the way of copies, from how Kafka describes their topic. */
export function deadLetterFault(
  { brokers }: Pick<KafkaOptions, 'brokers'>,
  topic: string,
  { errorCode, operations }: Pick<TopicReplicas, 'errorCode' | 'operations'>,
): WorkerError | undefined {
  const at = brokers.join(', ');
  const unless =
    'or leave LEDGERLINE_DEAD_LETTER_TOPIC out: quarantined messages are kept in audit_quarantine all the same';
  if (errorCode === UNKNOWN_TOPIC) {
    return new WorkerError(
      'KAFKA_TOPIC_MISSING',
      `Kafka at ${at} has no topic ${topic} for dead letters.`,
      { hint: `Create it with kafka-topics.sh, ${unless}.` },
    );
  }
  if (errorCode !== 0 || !allows(operations, 'write')) {
    return new WorkerError(
      'KAFKA_REFUSED',
      `Kafka at ${at} does not let this user write dead letters to ${topic}.`,
      {
        hint: `Grant it: kafka-acls.sh --add --operation WRITE --operation DESCRIBE --topic ${topic}; ${unless}.`,
      },
    );
  }
  return undefined;
}

/** @throws WorkerError KAFKA_TOPIC_MISSING, KAFKA_REFUSED, KAFKA_UNREACHABLE within the deadline */
export async function checkDeadLetterTopic(
  options: KafkaOptions,
  topic: string,
  deadlineMs: number,
): Promise<void> {
  const { fence, connect, close } = outsider(options, 3);
  const ask = async (): Promise<TopicReplicas> => {
    await connect();
    await fence.cluster.addMultipleTargetTopics([options.topic]);
    return askRaw(await fence.cluster.findControllerBroker(), askTopic(topic));
  };
  try {
    const fault = deadLetterFault(options, topic, await beforeDeadline(ask(), deadlineMs));
    if (fault) throw fault;
  } catch (error) {
    throw explainKafka(error, options);
  } finally {
    void close();
  }
}
