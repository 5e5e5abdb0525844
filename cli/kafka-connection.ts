import type { KafkaConnection } from '../producers/index.ts';
import type { Environment } from './environment.ts';

/** The worker's Kafka as a producer's: without topic and group, with all that proves who asks. */
export const connectionOf = ({
  brokers,
  ssl,
  sasl,
}: Environment['worker']['kafka']): KafkaConnection => ({ brokers, ssl, sasl });
