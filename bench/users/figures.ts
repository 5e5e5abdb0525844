import { median, quantile, rounded } from '../stack.ts';
import { addedUp, type Account } from './account.ts';
import type { Life, Visit } from './run-variant.ts';
import { VARIANTS, type Variant } from './variants.ts';

/** A life of each. */
export type Round = Readonly<Record<Variant, Life>>;
type Figure = keyof Visit;

/** Of a variant, medians over the rounds; memory at most, errors and account of all together. */
interface VariantFigures {
  readonly throughput: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly cpuPerRequestUs: number;
  /** Against the two without a ledger of the same round: medians of the ratios. */
  readonly throughputRatio: number;
  readonly p50Ratio: number;
  readonly p99Ratio: number;
  readonly cpuPerRequestRatio: number;
  readonly peakRssMb: number;
  readonly errors: number;
  readonly account: Account | undefined;
}

/** Between which half of the ratios lie. */
type Band = readonly [number, number];

export interface UsersFigures {
  readonly throughputRatioOn: number;
  readonly throughputRatioSync: number;
  readonly throughputRatioKafkaStopped: number;
  readonly throughputRatioKafkaHung: number;
  readonly cpuPerRequestRatioOn: number;
  /** What auditing costs a request, of the service's process. */
  readonly addedCpuPerRequestUs: number;
  /** What its request log costs it, for comparison. */
  readonly logCpuPerRequestUs: number;
  readonly offAgainstOff: {
    readonly throughput: Band;
    readonly p50: Band;
    readonly p99: Band;
    readonly cpuPerRequest: Band;
  };
  readonly errors: number;
  readonly unaccounted: number;
  readonly variants: Readonly<Record<Variant, VariantFigures>>;
}

/** Every ratio is of one round, against the mean of its two services without a ledger. */
export function figuresOf(rounds: readonly Round[]): UsersFigures {
  const off = (round: Round, of: Figure): number => (round.off[of] + round.offAgain[of]) / 2;
  const over = (digits: number, of: (round: Round) => number): number =>
    rounded(median(rounds.map(of)), digits);
  const ratio = (variant: Variant, of: Figure): number =>
    over(3, (round) => round[variant][of] / off(round, of));
  const band = (of: Figure): Band => {
    const ratios = rounds.map(({ off: one, offAgain: other }) => other[of] / one[of]);
    return [rounded(quantile(ratios, 0.25), 3), rounded(quantile(ratios, 0.75), 3)];
  };
  const figures = (variant: Variant): VariantFigures => {
    const lives = rounds.map((round) => round[variant]);
    const accounts = lives.flatMap(({ account }) => account ?? []);
    return {
      throughput: over(0, (round) => round[variant].throughput),
      p50Ms: over(1, (round) => round[variant].p50Ms),
      p99Ms: over(1, (round) => round[variant].p99Ms),
      cpuPerRequestUs: over(1, (round) => round[variant].cpuPerRequestUs),
      throughputRatio: ratio(variant, 'throughput'),
      p50Ratio: ratio(variant, 'p50Ms'),
      p99Ratio: ratio(variant, 'p99Ms'),
      cpuPerRequestRatio: ratio(variant, 'cpuPerRequestUs'),
      peakRssMb: rounded(Math.max(...lives.map(({ peakRssMb }) => peakRssMb))),
      errors: lives.reduce((sum, { errors }) => sum + errors, 0),
      account: accounts.length === 0 ? undefined : addedUp(accounts),
    };
  };
  const variants = Object.fromEntries(
    VARIANTS.map((variant) => [variant, figures(variant)]),
  ) as Record<Variant, VariantFigures>;
  const all = Object.values(variants);
  return {
    throughputRatioOn: variants.on.throughputRatio,
    throughputRatioSync: variants.sync.throughputRatio,
    throughputRatioKafkaStopped: variants.kafkaStopped.throughputRatio,
    throughputRatioKafkaHung: variants.kafkaHung.throughputRatio,
    cpuPerRequestRatioOn: variants.on.cpuPerRequestRatio,
    addedCpuPerRequestUs: over(
      1,
      (round) => round.on.cpuPerRequestUs - off(round, 'cpuPerRequestUs'),
    ),
    logCpuPerRequestUs: over(
      1,
      (round) => off(round, 'cpuPerRequestUs') - round.unlogged.cpuPerRequestUs,
    ),
    offAgainstOff: {
      throughput: band('throughput'),
      p50: band('p50Ms'),
      p99: band('p99Ms'),
      cpuPerRequest: band('cpuPerRequestUs'),
    },
    errors: all.reduce((sum, { errors }) => sum + errors, 0),
    unaccounted: all.reduce((sum, { account }) => sum + (account?.unaccounted ?? 0), 0),
    variants,
  };
}
