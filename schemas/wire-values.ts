import { z } from 'zod';
import { CHANGE_OPS, OPERATIONS, OUTCOMES, SEVERITIES, wordsOf } from './vocabulary.ts';

/**
 * What a wire row's values must look like, as zod schemas with a JSON Schema equivalent.
 * Lengths are in UTF-16 code units, the one length every JSON Schema validator agrees on.
 */

/** Identifiers and names are cut to this many characters; only free text and objects are longer. */
export const MAX_LABEL_LENGTH = 1024;

export const label = z.string().min(1).max(MAX_LABEL_LENGTH);
export const text = z.string();
export const uuid = z.guid();
/** ISO 8601 in UTC, at most six fractional digits, within the years that DateTime64 can hold. */
export const instant = z.iso
  .datetime({ offset: false, local: false })
  .regex(/^(?:19|2[0-2])\d\d-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?Z$/);
export const uint8 = z.int().min(0).max(255);
export const uint16 = z.int().min(0).max(65_535);
export const safeUint = z.int().min(0);
/** 1 / rate of a sampling, so never under 1; finite, as every number of JSON Schema and zod. */
export const weight = z.number().min(1);
/** IPv4 travels as `::ffff:a.b.c.d`, the form the IPv6 column stores. */
export const address = z.ipv6();
export const object = z.record(z.string(), z.unknown());
export const operation = z.enum(wordsOf(OPERATIONS));
export const outcome = z.enum(wordsOf(OUTCOMES));
export const severity = z.enum(wordsOf(SEVERITIES));

export const relatedParties = z.array(
  z.strictObject({ role: label, type: label, id: label, name: text.optional() }),
);

export const changeList = z.array(
  z.strictObject({
    op: z.enum(wordsOf(CHANGE_OPS)),
    path: text,
    old: text.optional(),
    new: text.optional(),
  }),
);

export const stringMap = z.record(z.string(), z.string());
