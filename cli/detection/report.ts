/** What `detect` prints for people. Pure. */
import type { Detector, Finding, Unjudged } from '../../clickhouse/index.ts';
import { safeText } from '../safe-text.ts';
import { lineOf, paint } from '../search/painted.ts';
import { clockTime } from '../search/times.ts';

const SHOWN_IDS = 3;

export function findingLines(finding: Finding, timeZone: string): string[] {
  const tenant = finding.tenant === '' ? '' : `${safeText(finding.tenant)}  `;
  const head = [
    paint(`${clockTime(Date.parse(finding.since), timeZone)}  `, 'dim'),
    paint(`${finding.detector}  `, 'yellow'),
    paint(tenant, 'dim'),
    paint(safeText(finding.what), 'bold'),
  ];
  const ids = finding.eventIds.slice(0, SHOWN_IDS).join(' ');
  const more = finding.eventIds.length > SHOWN_IDS ? ' …' : '';
  return [
    lineOf(head),
    `    why     ${safeText(finding.why)}; ${finding.score} times what is enough`,
    `    search  ${safeText(finding.query)}`,
    ...(ids === '' ? [] : [`    events  ${ids}${more}`]),
  ];
}

export function unjudgedLine({ detector, tenants, tenantCount, why }: Unjudged): string {
  const named = tenants.filter((tenant) => tenant !== '').map(safeText);
  const more = tenantCount > named.length && named.length > 0 ? ', …' : '';
  return `${detector} could not judge${named.length === 0 ? '' : ` ${named.join(', ')}${more}`}: ${why}`;
}

export function detectorLines(detector: Detector): string[] {
  return [
    `${detector.name}: ${detector.title}`,
    `    ${detector.statistic}`,
    ...Object.entries(detector.thresholds).map(
      ([name, { value, says }]) =>
        `    ${detector.name}.${name}=${typeof value === 'number' ? value : value.join(',')}  ${says}`,
    ),
  ];
}
