import { diagnose } from '../../consumers/doctor/diagnose.ts';
import type { Finding } from '../../consumers/index.ts';
import { readEnvironment } from '../environment.ts';
import { EXIT } from '../exit-codes.ts';
import { safeText } from '../safe-text.ts';
import { answerColours, counted, print } from '../terminal.ts';

export async function runDoctor({
  json,
  quiet,
}: {
  readonly json?: true;
  readonly quiet?: true;
}): Promise<void> {
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
}

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
