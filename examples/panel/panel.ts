import type { Ledger } from 'ledgerline';
import type { catalog } from './catalog.ts';
import type { Store } from './store.ts';
import type { Tokens } from './tokens.ts';

/** What every area of the service works with. */
export interface Panel {
  readonly ledger: Ledger<typeof catalog>;
  readonly store: Store;
  readonly tokens: Tokens;
}
