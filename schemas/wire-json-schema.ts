import { z } from 'zod';
import { MAX_MESSAGE_BYTES, PRODUCER_COLUMNS } from './columns.ts';
import { WIRE_VERSION } from './wire-version.ts';
import { wireRowSchema } from './wire-row.ts';

type JsonSchema = Readonly<Record<string, unknown>>;

/**
 * The wire row as JSON Schema (2020-12), for producers in other languages; published as
 * docs/event-v1.schema.json. Derived from the table of columns.
 */
export function wireJsonSchema(): JsonSchema {
  const schema = z.toJSONSchema(wireRowSchema, {
    override: ({ jsonSchema }) => {
      // zod's pattern forbids ::ffff:a.b.c.d, which is how IPv4 travels; the format allows it.
      if (jsonSchema.format === 'ipv6') delete jsonSchema.pattern;
    },
  });
  const properties = schema.properties ?? {};
  const described = PRODUCER_COLUMNS.map(({ name, description, type }) => {
    const property = properties[name];
    return [
      name,
      { description, $comment: `ClickHouse: ${type}`, ...(property === true ? {} : property) },
    ];
  });
  return {
    $schema: schema.$schema,
    title: `Ledgerline audit event, wire row version ${WIRE_VERSION}`,
    description: `One Kafka message: one JSON object in UTF-8 of at most ${MAX_MESSAGE_BYTES} bytes, with no duplicate keys. Absent means the column's default; null is never sent.`,
    type: 'object',
    properties: Object.fromEntries(described) as JsonSchema,
    required: schema.required,
    additionalProperties: false,
  };
}
