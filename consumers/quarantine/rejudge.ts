/** What the worker would say of a message today, and where in it the first fault stands. Pure. */
import { closingBrace, firstObjectEnd } from '../framing.ts';
import { type Expiry, judge } from '../judge.ts';
import type { Rejection } from '../quarantine.ts';
import { type JsonValue, scanJson } from './json-scan.ts';

export interface Standards {
  readonly expiry: Expiry;
  /** LEDGERLINE_MAX_MESSAGE_BYTES. */
  readonly maxMessageBytes: number;
}

/** `undefined`: it would be stored, as far as our own rules go. */
export function rejudge(message: Buffer, standards: Standards): Rejection | undefined {
  if (message.length === 0) return { reason: 'tombstone', error: 'the message has no value' };
  if (message.length > standards.maxMessageBytes) {
    return {
      reason: 'too_large',
      error: `the message has ${message.length} bytes, more than LEDGERLINE_MAX_MESSAGE_BYTES`,
    };
  }
  // As the worker screens it: stricter than JSON where the engine would see another end than we do.
  if (closingBrace(message) < 0) {
    const isWhole =
      firstObjectEnd(message) >= 0 || scanJson(message.toString('utf8')) === undefined;
    return isWhole
      ? { reason: 'not_one_object', error: 'the message is not exactly one JSON object' }
      : { reason: 'not_json', error: 'the message is not valid JSON' };
  }
  const verdict = judge(message, standards.expiry);
  return verdict.kind === 'rejected' ? verdict.rejection : undefined;
}

/** Where a fault stands, in characters of the text. */
export interface FaultPlace {
  readonly start: number;
  readonly end: number;
  /** Both from 1. */
  readonly line: number;
  readonly column: number;
  /** JSON Pointer (RFC 6901) of the field at fault, where it is one. */
  readonly pointer?: string | undefined;
  /** What is wrong with the text just there, where it is no JSON. */
  readonly problem?: string | undefined;
}

/** The first fault's place; `undefined` where it is no place: a field that is missing, a size. */
export function placeOfFault(text: string, { reason, error }: Rejection): FaultPlace | undefined {
  const values: JsonValue[] = [];
  const fault = scanJson(text, (value) => {
    // What is deeper than rules reach would only take memory.
    if (value.path.length <= 6) values.push(value);
  });
  switch (reason) {
    case 'not_json':
      return fault && atCharacter(text, fault.at, fault.problem);
    case 'not_one_object': {
      if (fault) return atCharacter(text, fault.at, fault.problem);
      const end = firstObjectEnd(Buffer.from(text));
      return end < 0 ? atCharacter(text, 0, 'an object is due here') : undefined;
    }
    case 'duplicate_keys': {
      const keys = new Set<string>();
      const twice = fieldsOf(values).find(({ path: [key] }) => {
        const seen = keys.has(String(key));
        keys.add(String(key));
        return seen;
      });
      return twice && atKey(text, twice);
    }
    case 'forged':
    case 'future_version':
    case 'invalid':
    case 'expired':
    case 'refused': {
      const name = nameIn(error);
      const found = values.findLast(({ path }) => path.length > 0 && path.join('.') === name);
      return found && (reason === 'forged' ? atKey(text, found) : atValue(text, found));
    }
    case 'tombstone':
    case 'too_large':
    case 'unreadable':
    case 'duplicate':
    case 'accepted_loss':
      return undefined;
  }
}

const fieldsOf = (values: readonly JsonValue[]): JsonValue[] =>
  values.filter(({ path }) => path.length === 1);

/** Which field an error names: `changes.0.op: …`, `key "kafka_offset" is …`, `…, column weight, …`. */
function nameIn(error: string): string | undefined {
  if (error.startsWith('wire_version ')) return 'wire_version';
  return (
    /^key "((?:[^"\\]|\\.)*)"/.exec(error)?.[1] ??
    /, column (\w+)/.exec(error)?.[1] ??
    /^(.+?): /.exec(error)?.[1]
  );
}

function atCharacter(text: string, at: number, problem: string): FaultPlace {
  return { start: at, end: Math.min(at + 1, text.length), ...lineAndColumn(text, at), problem };
}

const atValue = (text: string, { path, start, end }: JsonValue): FaultPlace => ({
  start,
  end,
  ...lineAndColumn(text, start),
  pointer: pointerOf(path),
});

const atKey = (text: string, value: JsonValue): FaultPlace =>
  atValue(text, { ...value, start: value.key ?? value.start });

const pointerOf = (path: JsonValue['path']): string =>
  path.map((part) => `/${String(part).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');

function lineAndColumn(text: string, at: number): { line: number; column: number } {
  const before = text.slice(0, at);
  return { line: before.split('\n').length, column: at - before.lastIndexOf('\n') };
}
