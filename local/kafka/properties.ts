/** Kafka's own settings, by their names in server.properties. */
export type KafkaProperties = Readonly<Record<string, string | number | boolean>>;

/**
 * One node that is broker and controller at once, for one machine.
 * Names and meanings: https://kafka.apache.org/41/configuration/broker-configs/
 */
export function serverProperties(
  place: { port: number; controllerPort: number; dataDir: string },
  overrides: KafkaProperties,
): KafkaProperties {
  return {
    'process.roles': 'broker,controller',
    'node.id': 1,
    listeners: `PLAINTEXT://127.0.0.1:${place.port},CONTROLLER://127.0.0.1:${place.controllerPort}`,
    'advertised.listeners': `PLAINTEXT://127.0.0.1:${place.port}`,
    'controller.listener.names': 'CONTROLLER',
    'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT',
    'controller.quorum.voters': `1@127.0.0.1:${place.controllerPort}`,
    'log.dirs': place.dataDir,
    // With one node, internal topics can have one replica only.
    'offsets.topic.replication.factor': 1,
    'transaction.state.log.replication.factor': 1,
    'transaction.state.log.min.isr': 1,
    'share.coordinator.state.topic.replication.factor': 1,
    'share.coordinator.state.topic.min.isr': 1,
    // 50 partitions of offsets cost a second at start and are of no use to a few groups.
    'offsets.topic.num.partitions': 8,
    'transaction.state.log.num.partitions': 2,
    // A misspelt topic is an error, not a new topic.
    'auto.create.topics.enable': false,
    // The first worker need not wait three seconds for others to join.
    'group.initial.rebalance.delay.ms': 0,
    // After a SIGKILL the node waits until its former self's session has ended: 9 s by default.
    'broker.session.timeout.ms': 3000,
    'broker.heartbeat.interval.ms': 500,
    // A record of nothing, twice a second, is for controllers that may have to take over.
    'metadata.max.idle.interval.ms': 10_000,
    // Tests and faults want sessions shorter than the default minimum of 6 s.
    'group.min.session.timeout.ms': 1000,
    ...overrides,
  };
}

/** The text of server.properties; backslashes and line ends are escaped as Java reads them. */
export function propertiesFile(properties: KafkaProperties): string {
  return Object.entries(properties)
    .map(([key, value]) => `${key}=${escapeValue(String(value))}\n`)
    .join('');
}

function escapeValue(value: string): string {
  return value
    .replaceAll('\\', '\\\\')
    .replaceAll('\n', '\\n')
    .replaceAll('\r', '\\r')
    .replace(/^ /, '\\ ');
}

/** Warnings and worse to stdout, which goes to kafka.log. */
export const LOG4J_PROPERTIES = `status = error
appender.out.type = Console
appender.out.name = out
appender.out.layout.type = PatternLayout
appender.out.layout.pattern = %d{ISO8601} %p %m (%c)%n
rootLogger.level = warn
rootLogger.appenderRef.out.ref = out
`;
