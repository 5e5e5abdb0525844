import type { LedgerlineError } from '../schemas/index.ts';
import type { LossCause } from './counters.ts';
import type { SpoolPlace } from './spool/segment.ts';
import type { OutboundMessage } from './transport.ts';

/** Who wants to know what became of an event. Told one of the three, exactly once for each. */
export interface DeliveryListener {
  stored(partition: number, offset: number): void;
  lost(cause: LossCause, error: LedgerlineError): void;
  /** The ledger closes, and the event stays on disk for the next. */
  postponed?(): void;
  /** Somebody waits, but not for ever: is given what to call when that is over. */
  onGivingUp?(forget: () => void): void;
}

/** What a category says of its events' delivery. */
export interface Handling {
  readonly category: string;
  readonly durability: 'memory' | 'disk';
  readonly onFailure: 'spool' | 'drop';
}

/** Where an event went, or why it went nowhere. */
export type Placement = 'accepted' | 'spooled' | 'queue_full' | 'spool_full';

/** What the log takes beside key and value: record framing, and the three headers. */
const FRAMING_BYTES = 96;

/** An encoded event in the buffer. */
export class Outbound implements OutboundMessage {
  readonly id: string;
  readonly key: string;
  readonly value: Buffer;
  /** What it takes in a batch, and what the buffer accounts for it. */
  readonly bytes: number;
  readonly listener: DeliveryListener;
  mayRepeat: boolean;
  /** 1, 2, 3 … in the order of arrival; given by the buffer. */
  serial = 0;
  /** Where it is in the spool, if it is. */
  place: SpoolPlace | undefined = undefined;
  /** Known of what a ledger with a spool was offered. */
  handling: Handling | undefined = undefined;
  /** An earlier process left it in the spool. */
  isInherited = false;

  constructor(
    id: string,
    key: string,
    value: Buffer,
    mayRepeat: boolean,
    listener: DeliveryListener,
  ) {
    this.id = id;
    this.key = key;
    this.value = value;
    this.bytes = value.length + key.length + FRAMING_BYTES;
    this.listener = listener;
    this.mayRepeat = mayRepeat;
  }
}
