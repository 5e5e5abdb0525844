import { Command } from 'commander';
import { diagnose, type Finding } from '../../consumers/index.ts';
import { readEnvironment } from '../environment.ts';
import { EXIT } from '../exit-codes.ts';
import { safeText } from '../safe-text.ts';
import { answerColours, counted, print } from '../terminal.ts';

export const doctorCommand = (): Command =>
  new Command('doctor')
    .summary('find what is not well, and how to mend it')
    .description(
      `Looks at all that a ledger stands on: Kafka's version and settings, the topic's partitions, replicas,
retention and message size, ClickHouse's version, the tables against what the migrations make, pending
migrations, clocks, and what this user may do. Only reads, and joins no group. Faults are what stops
workers or could lose events; warnings are what could be better or safer.`,
    )
    .option('--json', 'print one line of JSON')
    .option('--quiet', 'leave out what is well')
    .addHelpText(
      'after',
      `
Exit codes: 0 no fault (there may be warnings), 1 faults were found, 2 faulty configuration.

Examples:
  $ ledgerline doctor
  $ ledgerline doctor --quiet
  $ ledgerline doctor --json | jq '.findings[] | select(.status == "fault")'`,
    )
    .action(async ({ json, quiet }: { readonly json?: true; readonly quiet?: true }) => {
      const findings = await diagnose(readEnvironment(process.env).worker);
      const count = (status: Finding['status']): number =>
        findings.filter((finding) => finding.status === status).length;
      const [faults, warnings] = [count('fault'), count('warning')];
      const shown = quiet ? findings.filter(({ status }) => status !== 'ok') : findings;
      if (json) {
        print(JSON.stringify({ healthy: faults === 0, faults, warnings, findings: shown }));
      } else {
        for (const finding of shown) for (const line of linesOf(finding)) print(line);
        print(`${counted(faults, 'fault')}, ${counted(warnings, 'warning')}`);
      }
      process.exitCode = faults === 0 ? EXIT.fine : EXIT.faults;
    });

const MARKS: Readonly<Record<Finding['status'], string>> = {
  ok: answerColours.green('ok     '),
  warning: answerColours.yellow('warning'),
  fault: answerColours.red('fault  '),
  unknown: answerColours.dim('unknown'),
};

const linesOf = ({ status, area, message, mend }: Finding): string[] => [
  `${MARKS[status]}  ${area.padEnd(10)}  ${safeText(message)}`,
  ...(mend === undefined ? [] : [`${' '.repeat(21)}→ ${safeText(mend)}`]),
];
