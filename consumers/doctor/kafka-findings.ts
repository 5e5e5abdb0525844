/** What the facts about Kafka mean for a ledger. Pure. */
import { MAX_METADATA_BYTES } from '../intent.ts';
import { MAX_MESSAGE_BYTES } from '../../schemas/index.ts';
import { about, type Finding } from './finding.ts';
import type { KafkaFacts } from './kafka-probe.ts';
import { allows, type Operation, type TopicReplicas } from './questions.ts';

/** First metadata.version of each release: org.apache.kafka.server.common.MetadataVersion. */
const RELEASES: readonly (readonly [first: number, release: string])[] = [
  [1, '3.0'],
  [2, '3.1'],
  [3, '3.2'],
  [4, '3.3'],
  [8, '3.4'],
  [9, '3.5'],
  [12, '3.6'],
  [15, '3.7'],
  [20, '3.8'],
  [21, '3.9'],
  [22, '4.0'],
  [26, '4.1'],
  [28, '4.2'],
];

const HOUR_MS = 3_600_000;
/** Beside the event itself: key, headers, and the batch around it. */
const MESSAGE_OVERHEAD_BYTES = 8 * 1024;

export function kafkaFindings(facts: KafkaFacts, sessionTimeoutMs: number): Finding[] {
  return [
    ...brokerFindings(facts, sessionTimeoutMs),
    ...(facts.topic === undefined ? [] : replicaFindings(facts.topic, facts.topicConfig)),
    ...settingFindings(facts.topicConfig),
    ...rightsFindings(facts),
  ];
}

function brokerFindings(facts: KafkaFacts, sessionTimeoutMs: number): Finding[] {
  const { ok, warning, fault, unknown } = about('kafka');
  const { metadataVersion, brokers, brokerConfig } = facts;
  const release = RELEASES.findLast(([first]) => first <= (metadataVersion ?? 0))?.[1];
  const found: Finding[] = [
    release === undefined
      ? unknown('version', 'the cluster does not say which version it speaks')
      : ok('version', `speaks as Kafka ${release} (metadata.version ${metadataVersion})`),
    brokers > 1
      ? ok('brokers', `${brokers} brokers`)
      : warning(
          'brokers',
          'one broker: its disk is the only copy',
          'Run three brokers, with a replication factor of 3.',
        ),
  ];
  if (brokerConfig === undefined) {
    found.push(
      unknown(
        'settings',
        "the brokers' settings may not be read",
        'Grant DESCRIBE_CONFIGS on the cluster to check them.',
      ),
    );
    return found;
  }
  const metadataBytes = Number(brokerConfig['offset.metadata.max.bytes'] ?? MAX_METADATA_BYTES);
  found.push(
    metadataBytes >= MAX_METADATA_BYTES
      ? ok('offset-metadata', `offset.metadata.max.bytes is ${metadataBytes}`)
      : fault(
          'offset-metadata',
          `offset.metadata.max.bytes is ${metadataBytes}: an intent may not fit`,
          `Set it to ${MAX_METADATA_BYTES} at least, on every broker.`,
        ),
  );
  const min = Number(brokerConfig['group.min.session.timeout.ms'] ?? 0);
  const max = Number(brokerConfig['group.max.session.timeout.ms'] ?? Infinity);
  found.push(
    sessionTimeoutMs >= min && sessionTimeoutMs <= max
      ? ok('session-timeout', `takes sessions of ${sessionTimeoutMs} ms`)
      : fault(
          'session-timeout',
          `takes sessions of ${min} to ${max} ms, not of ${sessionTimeoutMs}`,
          'Change LEDGERLINE_SESSION_TIMEOUT_MS to lie between.',
        ),
  );
  const offsetsHours = Number(brokerConfig['offsets.retention.minutes'] ?? 10_080) / 60;
  if (offsetsHours < 24) {
    found.push(
      warning(
        'offsets-retention',
        `forgets a group's offsets ${offsetsHours} hours after its last worker`,
        'Set offsets.retention.minutes to 10080: without offsets, workers look up all that is stored.',
      ),
    );
  }
  return found;
}

function replicaFindings(topic: TopicReplicas, config: KafkaFacts['topicConfig']): Finding[] {
  const { ok, warning, fault } = about('topic');
  const { partitions } = topic;
  const replicas = Math.min(...partitions.map((one) => one.replicas));
  const minInSync = Number(config?.['min.insync.replicas'] ?? 1);
  const leaderless = partitions.filter(({ leader }) => leader < 0).map((one) => one.partition);
  const behind = partitions.filter((one) => one.inSync < Math.max(1, minInSync));
  const found = [
    ok('partitions', `${partitions.length} partitions: as many workers can share the work`),
    replicas >= 3 && minInSync >= 2
      ? ok('replicas', `${replicas} replicas, ${minInSync} in sync at least`)
      : warning(
          'replicas',
          `${replicas} ${replicas === 1 ? 'replica' : 'replicas'}, min.insync.replicas ${minInSync}: what a producer was told to be stored can be lost with one disk`,
          'Use a replication factor of 3 and min.insync.replicas=2.',
        ),
  ];
  if (leaderless.length > 0) {
    found.push(
      fault(
        'leaders',
        `partitions without a leader: ${leaderless.join(', ')}`,
        'Start the brokers that hold them.',
      ),
    );
  } else if (behind.length > 0) {
    found.push(
      fault(
        'in-sync',
        `partitions with fewer replicas in sync than producers need: ${behind.map((one) => one.partition).join(', ')}`,
        'Start the missing brokers, or look why they lag.',
      ),
    );
  }
  return found;
}

function settingFindings(config: KafkaFacts['topicConfig']): Finding[] {
  const { ok, warning, fault, unknown } = about('topic');
  if (config === undefined) {
    return [
      unknown(
        'settings',
        "the topic's settings may not be read",
        'Grant DESCRIBE_CONFIGS on the topic; workers need it too.',
      ),
    ];
  }
  const policy = config['cleanup.policy'] ?? 'delete';
  const retentionMs = Number(config['retention.ms'] ?? -1);
  const maxBytes = Number(config['max.message.bytes'] ?? 0);
  const needed = MAX_MESSAGE_BYTES + MESSAGE_OVERHEAD_BYTES;
  const found = [
    policy.includes('compact')
      ? fault(
          'cleanup-policy',
          `cleanup.policy is ${policy}: Kafka drops all but the newest event of each target`,
          'Set cleanup.policy=delete.',
        )
      : ok('cleanup-policy', `cleanup.policy is ${policy}`),
    retentionMs >= 0 && retentionMs < 24 * HOUR_MS
      ? warning(
          'retention',
          `Kafka keeps events for ${retentionMs / HOUR_MS} hours: a longer outage of ClickHouse loses them`,
          'Set retention.ms to the longest outage you want to survive, a week for instance.',
        )
      : ok(
          'retention',
          retentionMs < 0
            ? 'Kafka keeps events for ever'
            : `Kafka keeps events for ${Math.round(retentionMs / HOUR_MS)} hours`,
        ),
    maxBytes < needed
      ? fault(
          'message-size',
          `max.message.bytes is ${maxBytes}: events may have ${MAX_MESSAGE_BYTES}`,
          `Set max.message.bytes to ${needed} at least; 1048588 is Kafka's default.`,
        )
      : ok('message-size', `takes messages of ${maxBytes} bytes`),
  ];
  if (Number(config['retention.bytes'] ?? -1) >= 0) {
    found.push(
      warning(
        'retention-bytes',
        'retention.bytes is set: a burst can push events out before they are stored',
        'Set retention.bytes=-1, and give the disk room.',
      ),
    );
  }
  if (config['unclean.leader.election.enable'] === 'true') {
    found.push(
      fault(
        'unclean-election',
        'unclean.leader.election.enable is true: offsets may be given twice, which nothing can tell apart',
        'Set it to false.',
      ),
    );
  }
  return found;
}

const NEEDED: readonly (readonly [Operation, string])[] = [
  ['read', 'READ'],
  ['describe', 'DESCRIBE'],
  ['describeConfigs', 'DESCRIBE_CONFIGS'],
];

function rightsFindings({ topic, group, deadLetters }: KafkaFacts): Finding[] {
  const { ok, warning, fault, unknown } = about('rights');
  const found: Finding[] = [];
  if (topic === undefined) {
    found.push(unknown('topic', 'what this user may do with the topic could not be asked'));
  } else {
    const lacking = NEEDED.filter(([operation]) => !allows(topic.operations, operation));
    found.push(
      lacking.length === 0
        ? ok('topic', 'may read and describe the topic')
        : fault(
            'topic',
            `may not ${lacking.map(([, name]) => name).join(', ')} the topic`,
            'Grant it: kafka-acls.sh --add --operation READ --operation DESCRIBE --operation DESCRIBE_CONFIGS --topic …',
          ),
      allows(topic.operations, 'write')
        ? ok('produce', 'may write the topic: emit, import and quarantine replay work as this user')
        : warning(
            'produce',
            'may not write the topic: right for a worker; emit, import and quarantine replay need another user',
            'For those commands, grant WRITE on the topic.',
          ),
    );
  }
  if (deadLetters !== undefined) {
    found.push(
      deadLetters === 'fine'
        ? ok('dead-letters', 'may write the dead-letter topic')
        : fault('dead-letters', deadLetters.message, deadLetters.hint),
    );
  }
  if (group === 'no coordinator') {
    found.push(
      about('group').fault(
        'coordinator',
        'the group has no coordinator: workers cannot join it',
        'A broker that has just started takes a moment. If it stays so, look at the topic __consumer_offsets: its partitions need leaders.',
      ),
    );
  } else if (group === undefined) {
    found.push(
      unknown(
        'group',
        'what this user may do with the group could not be asked',
        'Grant DESCRIBE and READ on the group.',
      ),
    );
  } else {
    found.push(
      allows(group.operations, 'read')
        ? ok(
            'group',
            `may read the group (${group.state.toLowerCase() || 'empty'}, ${group.members} ${group.members === 1 ? 'member' : 'members'})`,
          )
        : fault(
            'group',
            'may not READ the group, which joining and committing need',
            'Grant it: kafka-acls.sh --add --operation READ --operation DESCRIBE --group …',
          ),
    );
  }
  return found;
}
