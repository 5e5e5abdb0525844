import type { DeliveryOptions, KafkaConnection } from '../producers/index.ts';
import type { Environment } from './environment.ts';

/** Where the environment has events sent, and how: a producer's options, with all that proves who asks. */
export function deliveryFrom({ worker, edge }: Environment): Pick<
  DeliveryOptions,
  'topic' | 'compression'
> & {
  readonly kafka: KafkaConnection;
} {
  const { brokers, ssl, sasl, topic } = worker.kafka;
  return { kafka: { brokers, ssl, sasl }, topic, compression: edge.compression };
}
