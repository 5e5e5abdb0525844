import {
  decodeRow,
  defineCatalog,
  type AuditEvent,
  type Catalog,
  type Category,
  type LedgerlineError,
} from '../../schemas/index.ts';
import { createLedger, type CatalogOf, type Ledger } from '../ledger.ts';
import type { Logger } from '../logger.ts';
import type { LedgerOptions } from '../options.ts';
import type { Preparation } from '../receipt.ts';
import type { OutboundMessage } from '../transport.ts';
import { exercised } from './coverage.ts';
import { MemoryTransport } from './memory-transport.ts';

/** Everything but the catalog has a default; Kafka's place is taken. */
export interface TestLedgerOptions<C> extends Partial<
  Omit<LedgerOptions<C>, 'catalog' | 'kafka' | 'transport'>
> {
  readonly catalog: C;
}

/** What a test can ask a ledger in memory. */
interface Heard {
  /**
   * What would be stored, as it would be read from the table, in the order it was emitted; also
   * what was prepared for an outbox, as if its transaction were committed.
   */
  readonly events: readonly AuditEvent[];
  /** Why events were rejected or lost: what `onError` was told. */
  readonly errors: readonly LedgerlineError[];
  readonly catalog: Catalog;
  /** In Kafka's place: `fail`, `hang` and `refuse` show what a service does meanwhile, until `recover`. */
  readonly transport: MemoryTransport;
  /** Forgets what was heard so far: for `beforeEach`. */
  clear(): void;
}

/** A ledger in memory: everything of a real one but Kafka. */
export type TestLedger<C extends Catalog = Catalog> = Ledger<C> & Heard;

const SILENT: Logger = { info: () => undefined, warn: () => undefined, error: () => undefined };

/**
 * A ledger whose events are there as soon as `emit` returns: validated, redacted and encoded as for
 * Kafka, and decoded as from the table. Keeps events of every level unless `level` or `policy` says
 * otherwise.
 *
 * @example
 * const ledger = testLedger({ catalog });
 * await buildService(ledger).inject({ method: 'POST', url: '/apps', payload: { name: 'shop' } });
 * ledger.events[0]?.type; // 'app.created'
 */
export function testLedger<const C extends Catalog | readonly (Category | Catalog)[]>(
  options: TestLedgerOptions<C>,
): TestLedger<CatalogOf<C>> {
  const events: AuditEvent[] = [];
  const errors: LedgerlineError[] = [];
  const parts: Catalog | readonly (Category | Catalog)[] = options.catalog;
  const catalog = 'resolve' in parts ? parts : defineCatalog(...parts);
  const hear = (event: AuditEvent): void => {
    exercised.add(event.type);
    events.push(event);
  };
  const transport = new HearingTransport(hear);
  const ledger = createLedger({
    service: 'test',
    // A policy says so itself.
    ...(options.policy === undefined ? { level: 'all' } : {}),
    logger: SILENT,
    redaction: { key: { id: 'test', secret: 'only for tests: no secret' } },
    transport,
    ...options,
    onError: (error) => {
      errors.push(error);
      options.onError?.(error);
    },
  });
  const prepare = ledger.prepare.bind(ledger) as (type: string, input: unknown) => Preparation;
  Object.defineProperty(ledger, 'prepare', {
    value: (type: string, input: unknown): Preparation => {
      const preparation = prepare(type, input);
      if (preparation.status === 'prepared') hear(decodeRow(preparation.value));
      return preparation;
    },
  });
  const heard: Heard = {
    events,
    errors,
    catalog,
    transport,
    clear() {
      events.length = 0;
      errors.length = 0;
    },
  };
  return Object.assign(ledger, heard);
}

class HearingTransport extends MemoryTransport {
  readonly #hear: (event: AuditEvent) => void;

  constructor(hear: (event: AuditEvent) => void) {
    super(1);
    this.#hear = hear;
  }

  offered({ value }: OutboundMessage): void {
    this.#hear(decodeRow(value));
  }
}
