import type { EncodedEvent } from '../producers/index.ts';
import { MAX_MESSAGE_BYTES, wireRowSchema } from '../schemas/index.ts';

/** An event in the outbox, as the relay reads it. */
export interface OutboxRow {
  /** Its place in the order of commits. */
  readonly position: string;
  readonly id: string;
  /** `null` where somebody deleted the event by hand. */
  readonly event_id: string | null;
  readonly message_key: string;
  /** `null` where it is larger than any event may be: it was not read. */
  readonly value: string | null;
  readonly bytes: number;
}

/** A row whose event is there. */
export type PresentRow = OutboxRow & { readonly event_id: string };

/** Why a row cannot be published. */
export type RejectedReason = 'too_large' | 'not_json' | 'not_a_row' | 'id_mismatch' | 'refused';

export interface Rejection {
  readonly reason: RejectedReason;
  /** What is wrong, by column and rule; no value. */
  readonly error: string;
}

export type Judged =
  { readonly ok: true; readonly event: EncodedEvent } | ({ readonly ok: false } & Rejection);

const rejected = (reason: RejectedReason, error: string): Judged => ({ ok: false, reason, error });

const SHOWN_FAULTS = 5;

/**
 * Whether a row can be an event of the ledger: judged here, where it can be set aside and put back,
 * rather than in the workers' quarantine. Columns that a newer SDK may know are let through, as
 * workers do. Pure.
 */
export function judge({ event_id, message_key, value, bytes }: PresentRow): Judged {
  if (value === null) {
    return rejected('too_large', `value: has ${bytes} bytes, at most ${MAX_MESSAGE_BYTES}`);
  }
  let row: unknown;
  try {
    row = JSON.parse(value);
  } catch {
    return rejected('not_json', 'value: is not JSON');
  }
  const parsed = wireRowSchema.safeParse(row);
  const faults = parsed.error?.issues.filter(({ code }) => code !== 'unrecognized_keys') ?? [];
  if (faults.length > 0) {
    const texts = faults.map(({ path, message }) => `${path.join('.') || 'value'}: ${message}`);
    return rejected('not_a_row', texts.slice(0, SHOWN_FAULTS).join('; '));
  }
  const { event_id: said } = row as { event_id: string };
  if (said.toLowerCase() !== event_id) {
    return rejected('id_mismatch', "event_id: is not the value's event_id");
  }
  return { ok: true, event: { id: event_id, key: message_key, value: Buffer.from(value) } };
}
