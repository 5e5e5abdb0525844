import { z } from 'zod';
import {
  authorization,
  category,
  configBackup,
  contacts,
  defineCatalog,
  event,
  gateway,
  infrastructure,
  security,
} from 'ledgerline';

const rule = z.strictObject({ port: z.int().min(1).max(65_535), source: z.string() });

/** What the built-in catalogs do not know: this service opens and closes ports. */
const firewall = category('firewall', {
  label: 'Firewall',
  icon: 'brick-wall',
  events: {
    'firewall.rule.opened': event({
      operation: 'create',
      label: 'Port opened',
      target: 'firewall_rule',
      severity: 'medium',
      requiresReason: true,
      data: rule,
    }),
    'firewall.rule.closed': event({
      operation: 'delete',
      label: 'Port closed',
      target: 'firewall_rule',
      data: rule,
    }),
  },
});

/** Everything this service can say. The compiler checks each `emit` against it. */
export const catalog = defineCatalog(
  infrastructure,
  contacts,
  gateway,
  configBackup,
  security,
  authorization,
  firewall,
);
