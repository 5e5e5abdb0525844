/** What the service is run with, one after another, in each round. */
export const VARIANTS = [
  'off',
  'on',
  'kafkaStopped',
  'offAgain',
  'sync',
  'kafkaHung',
  'unlogged',
] as const;
export type Variant = (typeof VARIANTS)[number];

/** Where a variant's ledger finds Kafka; undefined: there is no ledger in the service at all. */
export const KAFKA_OF: Readonly<Record<Variant, 'there' | 'stopped' | 'hung' | undefined>> = {
  off: undefined,
  offAgain: undefined,
  unlogged: undefined,
  on: 'there',
  sync: 'there',
  kafkaStopped: 'stopped',
  kafkaHung: 'hung',
};

/** Another begins each round, so that none always comes first, or after the same one. */
export function orderOf(round: number): readonly Variant[] {
  const first = (round * 2) % VARIANTS.length;
  return [...VARIANTS.slice(first), ...VARIANTS.slice(0, first)];
}
