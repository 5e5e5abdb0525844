import type { Change } from './event.ts';
import type { FreeField } from './message-limits.ts';
import { textOf, type RowWriter } from './row-writer.ts';
import { CHANGE_OPS, type ChangeOp } from './vocabulary.ts';

/** The fields whose size the caller decides; nothing is written where there is nothing to say. */

const OPEN_BRACE = 123;
const PATH = Buffer.from('","path":');
const OLD = Buffer.from(',"old":"');
const NEW = Buffer.from(',"new":"');
const ROLE = Buffer.from('{"role":');
const TYPE = Buffer.from(',"type":');
const ID = Buffer.from(',"id":');
const NAME = Buffer.from(',"name":');

function close(writer: RowWriter, field: FreeField, start: number): void {
  const bytes = writer.at - start;
  writer.sizes[field] = bytes;
  if (writer.cut) writer.noteCut(field, bytes + writer.lostBytes);
}

/** data and execution: always an object, so that JSONExtract finds its keys. */
export function writeObject(
  writer: RowWriter,
  field: 'data' | 'execution',
  key: Uint8Array,
  value: unknown,
): void {
  const before = writer.at;
  writer.prepared(key);
  const start = writer.at;
  writer.open(writer.limits[field]);
  if (value === null || !writer.value(value) || writer.at - start === '{}'.length) {
    writer.at = before;
    return;
  }
  if (writer.bytes[start] !== OPEN_BRACE) {
    writer.insertAt(start, '{"value":');
    writer.ascii('}');
  }
  close(writer, field, before);
}

export function writeMessage(writer: RowWriter, key: Uint8Array, value: unknown): void {
  const before = writer.at;
  writer.text('message', key, value, writer.limits.message);
  writer.sizes.message = writer.at - before;
}

/** Old and new become JSON text within JSON, so that "5" and 5 stay apart. */
export function writeChanges(writer: RowWriter, key: Uint8Array, changes: unknown): void {
  if (!Array.isArray(changes)) return writer.keepAside('ledger.unmapped.changes', changes);
  const before = writer.at;
  writer.open(writer.limits.changes);
  writer.prepared(key);
  writer.ascii('[');
  const first = writer.at;
  for (const change of changes as readonly Change[]) {
    if (writer.isFull()) {
      writer.cut = true;
      break;
    }
    if (writer.at > first) writer.ascii(',');
    writer.ascii('{"op":"');
    writer.ascii(opOf(change));
    if (!writer.text('changes', PATH, change.path, writer.limits.label)) {
      writer.ascii('","path":""');
    }
    writeText(writer, OLD, change.old);
    writeText(writer, NEW, change.new);
    writer.ascii('}');
  }
  if (writer.at > first) writer.ascii(']');
  else writer.at = before;
  close(writer, 'changes', before);
}

function writeText(writer: RowWriter, key: Uint8Array, value: unknown): void {
  const before = writer.at;
  writer.prepared(key);
  const start = writer.at;
  if (!writer.value(value)) {
    writer.at = before;
    return;
  }
  writer.escapeFrom(start);
  writer.ascii('"');
}

/** A word that RFC 6902 does not have would make the table refuse the whole event. */
const opOf = (change: Change): ChangeOp =>
  typeof change.op === 'string' && Object.hasOwn(CHANGE_OPS, change.op)
    ? change.op
    : change.old === undefined
      ? 'add'
      : change.new === undefined
        ? 'remove'
        : 'replace';

interface PartyLike {
  readonly role?: unknown;
  readonly type?: unknown;
  readonly id?: unknown;
  readonly name?: unknown;
}

export function writeRelated(writer: RowWriter, key: Uint8Array, related: unknown): void {
  if (!Array.isArray(related)) return writer.keepAside('ledger.unmapped.related', related);
  const before = writer.at;
  const { label } = writer.limits;
  writer.open(writer.limits.related);
  writer.prepared(key);
  writer.ascii('[');
  const first = writer.at;
  for (const party of related as readonly PartyLike[]) {
    if (writer.isFull()) {
      writer.cut = true;
      break;
    }
    const start = writer.at;
    if (start > first) writer.ascii(',');
    const whole =
      writer.text('related', ROLE, party.role, label) &&
      writer.text('related', TYPE, party.type, label) &&
      writer.text('related', ID, party.id, label);
    if (!whole) {
      writer.at = start;
      writer.keepAside('ledger.unmapped.related', party);
      continue;
    }
    writer.text('related', NAME, party.name, label);
    writer.ascii('}');
  }
  if (writer.at > first) writer.ascii(']');
  else writer.at = before;
  close(writer, 'related', before);
}

const CUT_ATTRIBUTE = 'ledger.truncated';

/** The caller's attributes, then the encoder's own, which win over the caller's of the same name. */
export function writeAttributes(writer: RowWriter, key: Uint8Array, attributes: unknown): void {
  const before = writer.at;
  writer.prepared(key);
  writer.ascii('{');
  const first = writer.at;
  writer.open(writer.limits.attributes);
  if (typeof attributes === 'object' && attributes !== null) {
    const given = attributes as Readonly<Record<string, unknown>>;
    for (const name of Object.keys(given)) {
      if (writer.isFull()) {
        writer.cut = true;
        break;
      }
      if (!isOwn(name, writer)) writer.entry(first, name, textOf(given[name]) || undefined);
    }
  }
  close(writer, 'attributes', before);
  writer.open(Infinity);
  for (const [name, value] of Object.entries(writer.aside ?? {})) writer.entry(first, name, value);
  if (writer.cuts !== undefined) writer.entry(first, CUT_ATTRIBUTE, JSON.stringify(writer.cuts));
  if (writer.at === first) writer.at = before;
  else writer.ascii('}');
}

const isOwn = (name: string, { aside, cuts }: RowWriter): boolean =>
  (cuts !== undefined && name === CUT_ATTRIBUTE) ||
  (aside !== undefined && Object.hasOwn(aside, name));
