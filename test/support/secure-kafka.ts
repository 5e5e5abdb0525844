/** A real broker whose listeners ask who comes: by password, by certificate, with and without TLS. */
import { freePort } from '../../local/free-port.ts';
import { type Kafka, startKafka } from '../../local/kafka.ts';
import type { Authority } from './certificates.ts';

export interface SecureKafka {
  readonly kafka: Kafka;
  /** PLAIN and SCRAM over TLS. */
  readonly saslTls: string;
  /** SCRAM without TLS. */
  readonly sasl: string;
  /** TLS with a client's certificate. */
  readonly mutualTls: string;
}

export interface SecureKafkaOptions {
  readonly dataDir: string;
  readonly authority: Authority;
  /** Password by name. `reader` and the like have no rights until somebody grants them. */
  readonly users: Readonly<Record<string, string>>;
  /** Names that may do everything. */
  readonly superUsers: readonly string[];
}

export async function startSecureKafka(options: SecureKafkaOptions): Promise<SecureKafka> {
  const { authority, users } = options;
  const names = ['PLAINTEXT', 'CONTROLLER', 'SASL_SSL', 'SASL_PLAINTEXT', 'SSL'] as const;
  const ports = await Promise.all(names.map(() => freePort()));
  const at = (name: (typeof names)[number]): string => `127.0.0.1:${ports[names.indexOf(name)]}`;
  const server = authority.issue('broker');
  const listeners = names.map((name) => `${name}://${at(name)}`);
  const plainUsers = Object.entries(users).map(([name, secret]) => `user_${name}="${secret}"`);
  const kafka = await startKafka({
    dataDir: options.dataDir,
    port: ports[0],
    scramUsers: users,
    config: {
      listeners: listeners.join(','),
      'advertised.listeners': listeners.filter((one) => !one.startsWith('CONTROLLER')).join(','),
      'controller.quorum.voters': `1@${at('CONTROLLER')}`,
      'listener.security.protocol.map': names
        .map((name) => `${name}:${name === 'CONTROLLER' ? 'PLAINTEXT' : name}`)
        .join(','),
      'ssl.keystore.type': 'PEM',
      'ssl.keystore.key': server.key,
      'ssl.keystore.certificate.chain': server.cert,
      'ssl.truststore.type': 'PEM',
      'ssl.truststore.certificates': authority.cert,
      'listener.name.ssl.ssl.client.auth': 'required',
      'listener.name.sasl_ssl.sasl.enabled.mechanisms': 'PLAIN,SCRAM-SHA-256,SCRAM-SHA-512',
      'listener.name.sasl_ssl.plain.sasl.jaas.config': `org.apache.kafka.common.security.plain.PlainLoginModule required ${plainUsers.join(' ')};`,
      'listener.name.sasl_ssl.scram-sha-256.sasl.jaas.config': SCRAM,
      'listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config': SCRAM,
      'listener.name.sasl_plaintext.sasl.enabled.mechanisms': 'SCRAM-SHA-512',
      'listener.name.sasl_plaintext.scram-sha-512.sasl.jaas.config': SCRAM,
      'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
      // Tests come in through the plain listener to set things up.
      'super.users': ['ANONYMOUS', ...options.superUsers, 'CN=worker']
        .map((name) => `User:${name}`)
        .join(';'),
    },
  });
  return { kafka, saslTls: at('SASL_SSL'), sasl: at('SASL_PLAINTEXT'), mutualTls: at('SSL') };
}

const SCRAM = 'org.apache.kafka.common.security.scram.ScramLoginModule required;';
