import type { Explanation, Step } from '../../producers/policy/index.ts';
import { safeText } from '../safe-text.ts';
import { answerColours } from '../terminal.ts';
import type { ExplainedEvent } from './explained-event.ts';

/** A decision for people: what was looked at, every step, what it came to. */
export function explanationLines(
  { facts, outcome }: ExplainedEvent,
  explanation: Explanation,
): string[] {
  const { subject, severity, tenant, actor, targetType } = facts;
  const looked = [
    `category ${subject.category}`,
    `operation ${subject.operation}`,
    `outcome ${outcome}`,
    `severity ${severity}`,
    `tenant ${tenant}`,
    actor === undefined ? 'no actor' : `actor ${actor.type} ${actor.id}`,
    targetType === undefined ? 'no target' : `target ${targetType}`,
  ];
  return [
    answerColours.bold(safeText(`${subject.type}: ${looked.join(', ')}`)),
    ...explanation.steps.map(stepLine),
    conclusion(explanation),
  ];
}

const MARKS: Readonly<Record<Step['says'], (text: string) => string>> = {
  'goes on': answerColours.green,
  skipped: answerColours.dim,
  stops: answerColours.red,
};

const stepLine = ({ step, says, words }: Step): string =>
  `  ${step.padEnd(10)}  ${MARKS[says](says.padEnd(7))}  ${safeText(words)}`;

function conclusion({ kept, cause, rule, weight }: Explanation): string {
  const by = rule === undefined ? '' : `, by the rule ${rule}`;
  return kept
    ? answerColours.green(`kept with weight ${weight}${by}`)
    : answerColours.red(`not kept: ${cause}${by}`);
}
