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
  sensitive,
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

/** Tokens for this service's API; the ledger can tell one from another, and not what they are. */
const apiToken = category('api_token', {
  label: 'API token',
  icon: 'key-round',
  events: {
    'api_token.issued': event({
      operation: 'create',
      label: 'API token issued',
      target: 'api_token',
      severity: 'medium',
      data: z.strictObject({ token: sensitive(z.string(), 'hash') }),
    }),
    'api_token.revoked': event({
      operation: 'delete',
      label: 'API token revoked',
      target: 'api_token',
    }),
  },
});

/** What no other service says. */
export const own = defineCatalog(firewall, apiToken);

/** Everything this service can say. The compiler checks each `emit` against it. */
export const catalog = defineCatalog(
  infrastructure,
  contacts,
  gateway,
  configBackup,
  security,
  authorization,
  own,
);
