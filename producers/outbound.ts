import type { LedgerlineError } from '../schemas/index.ts';
import type { LossCause } from './counters.ts';
import type { OutboundMessage } from './transport.ts';

/** Who wants to know what became of an event. Called exactly once for each. */
export interface DeliveryListener {
  stored(partition: number, offset: number): void;
  lost(cause: LossCause, error: LedgerlineError): void;
}

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
