import { filteredCosts } from './policy/cost.ts';
import { savedByLevel } from './policy/levels.ts';
import { roundTrips } from './policy/round-trips.ts';
import { sampledTotals } from './policy/totals.ts';

const percent = (share: number): string => `${(share * 100).toFixed(1)} %`;

/** `npm run bench -- policy [--json]`: about a minute, most of it waiting. */
export async function run(args: string[]): Promise<void> {
  const filtered = await filteredCosts();
  const saved = await savedByLevel();
  const totals = await sampledTotals([0.5, 0.1, 0.01]);
  const trips = [await roundTrips(50, 10, 30), await roundTrips(10_000, 5, undefined)];
  if (args.includes('--json')) {
    console.log(JSON.stringify({ filtered, saved, totals, trips }));
    return;
  }
  console.log('not kept                     ns  bytes allocated');
  for (const [name, { ns, bytes }] of Object.entries(filtered)) {
    console.log(`  ${name.padEnd(25)} ${String(ns).padStart(4)}  ${bytes}`);
  }
  console.log('\nwrites of a gateway saved by level');
  for (const [level, share] of Object.entries(saved)) {
    console.log(`  ${level.padEnd(15)} ${percent(share)}`);
  }
  console.log('\nsampled   happened   stored   by weight   error   two deviations');
  for (const one of totals) {
    const { rate, happened, stored, estimate, errorPercent, boundPercent } = one;
    console.log(
      `  ${String(rate).padEnd(6)} ${happened}   ${stored}   ${estimate}   ${errorPercent} %   ±${boundPercent} %`,
    );
  }
  console.log('\nround trips');
  for (const { events, seconds, flushIntervalS, sends, savedShare } of trips) {
    console.log(
      `  ${events} events in ${seconds} s, interval ${flushIntervalS} s: ${sends} sends, ${percent(savedShare)} saved`,
    );
  }
}
