import { MAX_MESSAGE_BYTES } from './columns.ts';
import { LedgerlineError } from './errors.ts';
import type { AuditEvent } from './event.ts';
import { FREE_FIELDS, FULL, sharedLimits, SMALLEST } from './message-limits.ts';
import { readable } from './readable-event.ts';
import { RowWriter } from './row-writer.ts';
import { writeRow } from './write-row.ts';

/** What `ledger.truncated` and the markers of cut strings may add. */
const CUTTING_COSTS = 2048;

/** Kept between events; a getter that itself encodes an event finds it taken and makes another. */
let idle: RowWriter | undefined = new RowWriter();

/**
 * An event as its wire row: one JSON object in UTF-8 of at most `MAX_MESSAGE_BYTES` bytes.
 *
 * Any value in any free field is written somehow (docs/event.md, "What becomes what"). An event
 * that is too large is cut, its largest free fields first; `attributes['ledger.truncated']` then
 * holds `{"<column>":<bytes before>}` (at least, where a value was too large to walk whole).
 *
 * Throws `EVENT_INVALID`, which names the column, when what every row must have is missing or
 * malformed: id, type, version, category, operation, outcome, severity, occurredAt, actor, service.
 *
 * @example
 * await producer.send({ topic, messages: [{ key: messageKey(event), value: encodeRow(event) }] });
 */
export function encodeRow(event: AuditEvent): Buffer {
  const writer = idle ?? new RowWriter();
  idle = undefined;
  try {
    return withinLimit(writer, event);
  } catch (cause) {
    if (cause instanceof LedgerlineError) throw cause;
    return ofReadable(writer, event);
  } finally {
    idle = writer;
  }
}

/** The second try, without what threw: a getter, a proxy. */
function ofReadable(writer: RowWriter, event: AuditEvent): Buffer {
  try {
    return withinLimit(writer, readable(event));
  } catch (cause) {
    if (cause instanceof LedgerlineError) throw cause;
    throw new LedgerlineError('EVENT_INVALID', 'The event cannot be read.', {
      hint: 'Pass a plain object.',
      cause,
    });
  }
}

function withinLimit(writer: RowWriter, event: AuditEvent): Buffer {
  writer.begin(FULL);
  writeRow(writer, event);
  return writer.at <= MAX_MESSAGE_BYTES ? writer.copy() : cutToFit(writer, event);
}

function cutToFit(writer: RowWriter, event: AuditEvent): Buffer {
  const sizes = { ...writer.sizes };
  const originals = { ...sizes, ...writer.cuts };
  const fixed = writer.at - FREE_FIELDS.reduce((sum, field) => sum + sizes[field], 0);
  // Room is counted before escapes, which make the first estimate too wide at times.
  for (let room = MAX_MESSAGE_BYTES - fixed - CUTTING_COSTS; room > CUTTING_COSTS; room *= 0.7) {
    writer.begin(sharedLimits(sizes, room), originals);
    writeRow(writer, event);
    if (writer.at <= MAX_MESSAGE_BYTES) return writer.copy();
  }
  writer.begin(SMALLEST, originals);
  writeRow(writer, event);
  return writer.copy();
}
