/** Whether the clocks agree well enough. Pure. */
import { about, type Finding } from './finding.ts';

export interface Clocks {
  readonly leaseMs: number;
  /** How far ClickHouse's clock is ahead of ours; `undefined` where it could not be asked. */
  readonly clickhouseSkewMs: number | undefined;
  /** The same of Kafka's controller, and by how much that may be wrong. */
  readonly kafka: { readonly skewMs: number; readonly unsureMs: number } | undefined;
}

const NOTICEABLE_MS = 1_000;
/** The table refuses events of more than a day ahead. */
const ABSURD_MS = 3_600_000;
const SYNCHRONISE = 'Let both machines follow NTP (chrony, systemd-timesyncd).';

export function clockFindings({ leaseMs, clickhouseSkewMs, kafka }: Clocks): Finding[] {
  const { ok, warning, fault, unknown } = about('clocks');
  const judged = (name: string, skewMs: number | undefined, unsureMs: number): Finding => {
    const what = name.toLowerCase();
    if (skewMs === undefined) return unknown(what, `${name}'s clock could not be asked`);
    const off = Math.abs(skewMs) - unsureMs;
    const said = `${name}'s clock is ${Math.round(Math.abs(skewMs))} ms ${skewMs < 0 ? 'behind' : 'ahead of'} this machine's`;
    if (off > Math.max(leaseMs, ABSURD_MS)) return fault(what, said, SYNCHRONISE);
    if (off > NOTICEABLE_MS) {
      const harm = 'lag and the time of storing are off by as much';
      return warning(what, `${said}: ${harm}`, SYNCHRONISE);
    }
    return ok(what, said);
  };
  return [
    judged('ClickHouse', clickhouseSkewMs, 0),
    judged('Kafka', kafka?.skewMs, kafka?.unsureMs ?? 0),
  ];
}
