import { median, rounded } from '../stack.ts';
import type { Account } from './account.ts';
import type { Run } from './run-variant.ts';
import { VARIANTS, type Variant } from './variants.ts';

export type Round = Readonly<Record<Variant, Run>>;
type Figure = 'throughput' | 'p50Ms' | 'p99Ms' | 'cpuPerRequestUs';

/** Of a variant, medians over the rounds; its account is that of the last. */
interface VariantFigures {
  readonly throughput: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly cpuPerRequestUs: number;
  readonly peakRssMb: number;
  readonly errors: number;
  /** Against the two runs without a ledger of the same round. */
  readonly p50Ratio: number;
  readonly p99Ratio: number;
  readonly account: Account | undefined;
}

/** The least and the most of a ratio, over the rounds. */
type Band = readonly [number, number];

export interface UsersFigures {
  readonly throughputRatioOn: number;
  readonly throughputRatioSync: number;
  readonly throughputRatioKafkaStopped: number;
  readonly throughputRatioKafkaHung: number;
  readonly cpuPerRequestRatioOn: number;
  /** What auditing costs a request, of the service's process. */
  readonly addedCpuPerRequestUs: number;
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

/** Every ratio is of one round, against the mean of its two runs without a ledger. */
export function figuresOf(rounds: readonly Round[]): UsersFigures {
  const off = (round: Round, of: Figure): number => (round.off[of] + round.offAgain[of]) / 2;
  const over = (of: (round: Round) => number): number => median(rounds.map(of));
  const ratio = (variant: Variant, of: Figure): number =>
    rounded(
      over((round) => round[variant][of] / off(round, of)),
      3,
    );
  const band = (of: Figure): Band => {
    const ratios = rounds.map(({ off: one, offAgain: other }) => other[of] / one[of]);
    return [rounded(Math.min(...ratios), 3), rounded(Math.max(...ratios), 3)];
  };
  const figures = (variant: Variant): VariantFigures => {
    const runs = rounds.map((round) => round[variant]);
    return {
      throughput: rounded(over((round) => round[variant].throughput)),
      p50Ms: rounded(
        over((round) => round[variant].p50Ms),
        1,
      ),
      p99Ms: rounded(
        over((round) => round[variant].p99Ms),
        1,
      ),
      cpuPerRequestUs: rounded(
        over((round) => round[variant].cpuPerRequestUs),
        1,
      ),
      peakRssMb: rounded(Math.max(...runs.map(({ peakRssMb }) => peakRssMb))),
      errors: runs.reduce((sum, { errors }) => sum + errors, 0),
      p50Ratio: ratio(variant, 'p50Ms'),
      p99Ratio: ratio(variant, 'p99Ms'),
      account: runs.at(-1)?.account,
    };
  };
  const variants = Object.fromEntries(
    VARIANTS.map((variant) => [variant, figures(variant)]),
  ) as Record<Variant, VariantFigures>;
  const all = rounds.flatMap((round) => Object.values<Run>(round));
  const added = over((round) => round.on.cpuPerRequestUs - off(round, 'cpuPerRequestUs'));
  return {
    throughputRatioOn: ratio('on', 'throughput'),
    throughputRatioSync: ratio('sync', 'throughput'),
    throughputRatioKafkaStopped: ratio('kafkaStopped', 'throughput'),
    throughputRatioKafkaHung: ratio('kafkaHung', 'throughput'),
    cpuPerRequestRatioOn: ratio('on', 'cpuPerRequestUs'),
    addedCpuPerRequestUs: rounded(added, 1),
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
