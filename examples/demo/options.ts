import { parseArgs } from 'node:util';
import { optionsFromEnv } from 'ledgerline';
import { workerConfig } from 'ledgerline/consumers';

export const USAGE = `npm run demo -- [--actions N] [--json]

Starts Kafka and ClickHouse in a temporary folder, two workers and a control panel as processes of
their own, sends HTTP requests through the panel, kills one worker with SIGKILL in the middle, and
shows that everything the panel kept is stored once. Stops everything again.

  --actions N   how many requests, each audited at least once (25,000)
  --json        one line of figures on stdout, everything else on stderr
  --help        this

AUDIT_TRAIL_* variables reach the panel: AUDIT_TRAIL_LEVEL=all npm run demo
`;

export interface DemoOptions {
  readonly actions: number;
  readonly json: boolean;
  readonly help: boolean;
}

/** A fault of what was asked for: exit code 2, and nothing has started. */
export class UsageError extends Error {}

// Below that, making the tenants' things is all there is.
const LEAST = 500;
const MOST = 1_000_000;

/** Reads and checks the command line and the environment. Throws UsageError, which names every fault. */
export function readOptions(args: readonly string[], env: NodeJS.ProcessEnv): DemoOptions {
  const faults: string[] = [];
  const attempt = <T>(read: () => T): T | undefined => {
    try {
      return read();
    } catch (error) {
      faults.push((error as Error).message);
      return undefined;
    }
  };
  const options = attempt(() => fromCommandLine(args));
  // The processes to come read these; faults are better told before anything runs.
  attempt(() => workerConfig(env));
  const ofTheEdge = Object.entries(env).filter(([name]) => name.startsWith('AUDIT_TRAIL_'));
  attempt(() => optionsFromEnv(Object.fromEntries(ofTheEdge)));
  if (options === undefined || faults.length > 0) throw new UsageError(faults.join('\n'));
  return options;
}

function fromCommandLine(args: readonly string[]): DemoOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      actions: { type: 'string', default: '25000' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  const actions = Number(values.actions);
  if (!Number.isInteger(actions) || actions < LEAST || actions > MOST) {
    throw new RangeError(`--actions: a whole number from ${LEAST} to ${MOST}`);
  }
  return { actions, json: values.json, help: values.help };
}
