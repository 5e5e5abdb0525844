import type { z } from 'zod';
import { CHANGE_OPS, enum8, OPERATIONS, OUTCOMES, SEVERITIES } from './vocabulary.ts';
import * as wire from './wire-values.ts';

/** A message is never larger than this; a larger event is cut and says so. */
export const MAX_MESSAGE_BYTES = 262_144;

/**
 * Where a column's value goes in other formats; toCloudEvent, toOcsf, toEcs and toCadf write there.
 * Dots separate members, `[0]` is the first of a list, `[]` the next.
 */
export interface StandardPaths {
  readonly cloudEvents?: string;
  readonly ocsf?: string;
  readonly ecs?: string;
  readonly cadf?: string;
}

/** One column of the ledger: what producers send, what the table stores, what others call it. */
export interface Column {
  readonly name: string;
  /** ClickHouse type. */
  readonly type: string;
  /** ClickHouse expression for rows that do not say; absent: the type's own default. */
  readonly default?: string;
  /** Who fills it: the producer on the wire, the worker at the splice, or the table itself. */
  readonly source: 'producer' | 'worker' | 'table';
  /** A producer must send it. */
  readonly required: boolean;
  readonly description: string;
  /** What the JSON value must be. */
  readonly wire: z.ZodType;
  readonly standards: StandardPaths;
}

const TEXT = 'String';
const LABEL = 'LowCardinality(String)';
const PARTY_TUPLE = `Array(Tuple(role ${LABEL}, type ${LABEL}, id String, name String))`;
const CHANGE_TUPLE = `Array(Tuple(op ${enum8(CHANGE_OPS)}, path ${LABEL}, old String, new String))`;

/**
 * The one table of columns, in table order. The encoder's keys, the INSERT list, the wire schema,
 * the JSON Schema for other languages, the mappings to other standards, docs/event.md and the test
 * against the migrated table all come from here, so that they cannot drift apart.
 */
export const COLUMNS = [
  {
    name: 'wire_version',
    type: 'UInt8',
    source: 'producer',
    required: true,
    description: 'Version of this row format: 1.',
    wire: wire.uint8,
    standards: {},
  },
  {
    name: 'event_id',
    type: 'UUID',
    source: 'producer',
    required: true,
    description:
      'UUIDv7 made at emit; UUIDv5 of the source’s id for imports. ClickHouse does not sort UUIDs by time.',
    wire: wire.uuid,
    standards: { cloudEvents: 'id', ocsf: 'metadata.uid', ecs: 'event.id', cadf: 'id' },
  },
  {
    name: 'event_type',
    type: LABEL,
    source: 'producer',
    required: true,
    description: 'noun.past_verb, as the catalog declares it: app.env_var.updated.',
    wire: wire.label,
    standards: { cloudEvents: 'type', ocsf: 'api.operation', ecs: 'event.action', cadf: 'name' },
  },
  {
    name: 'event_version',
    type: 'UInt16',
    default: '1',
    source: 'producer',
    required: false,
    description: 'Version of the type’s data schema.',
    wire: wire.uint16,
    standards: {
      cloudEvents: 'typeversion',
      ocsf: 'api.version',
      ecs: 'ledgerline.event_version',
      cadf: 'tags[]',
    },
  },
  {
    name: 'category',
    type: LABEL,
    source: 'producer',
    required: true,
    description: 'The group the type belongs to: app, server, security, ….',
    wire: wire.label,
    standards: {
      cloudEvents: 'category',
      ocsf: 'unmapped.category',
      ecs: 'event.module',
      cadf: 'tags[]',
    },
  },
  {
    name: 'operation',
    type: enum8(OPERATIONS),
    default: "'unknown'",
    source: 'producer',
    required: false,
    description: 'What was done to the target.',
    wire: wire.operation,
    standards: {
      cloudEvents: 'operation',
      ocsf: 'activity_id',
      ecs: 'event.type[]',
      cadf: 'action',
    },
  },
  {
    name: 'outcome',
    type: enum8(OUTCOMES),
    default: "'unknown'",
    source: 'producer',
    required: false,
    description: 'How it ended. denied: it was not allowed; failure: it was tried and broke.',
    wire: wire.outcome,
    standards: { cloudEvents: 'outcome', ocsf: 'status_id', ecs: 'event.outcome', cadf: 'outcome' },
  },
  {
    name: 'severity',
    type: enum8(SEVERITIES),
    default: "'informational'",
    source: 'producer',
    required: false,
    description: 'OCSF’s severity_id: informational 1 … critical 5.',
    wire: wire.severity,
    standards: {
      cloudEvents: 'severity',
      ocsf: 'severity_id',
      ecs: 'event.severity',
      cadf: 'severity',
    },
  },
  {
    name: 'occurred_at',
    type: "DateTime64(6, 'UTC')",
    source: 'producer',
    required: true,
    description: 'The producer’s clock, ISO 8601 in UTC, to the microsecond.',
    wire: wire.instant,
    standards: { cloudEvents: 'time', ocsf: 'time', ecs: '@timestamp', cadf: 'eventTime' },
  },
  {
    name: 'tenant_id',
    type: LABEL,
    default: "'default'",
    source: 'producer',
    required: false,
    description: 'Whose event it is; default where a service has one tenant.',
    wire: wire.label,
    standards: {
      cloudEvents: 'tenantid',
      ocsf: 'metadata.tenant_uid',
      ecs: 'organization.id',
      cadf: 'initiator.project_id',
    },
  },
  {
    name: 'actor_type',
    type: LABEL,
    source: 'producer',
    required: true,
    description: 'What kind of thing acted: user, service, token, system, ….',
    wire: wire.label,
    standards: {
      cloudEvents: 'actortype',
      ocsf: 'actor.user.type',
      ecs: 'ledgerline.actor_type',
      cadf: 'initiator.typeURI',
    },
  },
  {
    name: 'actor_id',
    type: LABEL,
    source: 'producer',
    required: true,
    description: 'Surrogate key of who acted; never personal data.',
    wire: wire.label,
    standards: {
      cloudEvents: 'actorid',
      ocsf: 'actor.user.uid',
      ecs: 'user.id',
      cadf: 'initiator.id',
    },
  },
  {
    name: 'actor_name',
    type: LABEL,
    source: 'producer',
    required: false,
    description: 'What people call the actor; can be erased.',
    wire: wire.text,
    standards: {
      cloudEvents: 'actorname',
      ocsf: 'actor.user.name',
      ecs: 'user.name',
      cadf: 'initiator.name',
    },
  },
  {
    name: 'target_type',
    type: LABEL,
    source: 'producer',
    required: false,
    description: 'What kind of thing it was done to.',
    wire: wire.label,
    standards: {
      cloudEvents: 'targettype',
      ocsf: 'resources[0].type',
      ecs: 'entity.type',
      cadf: 'target.typeURI',
    },
  },
  {
    name: 'target_id',
    type: LABEL,
    source: 'producer',
    required: false,
    description: 'Surrogate key of what it was done to; never personal data.',
    wire: wire.label,
    standards: {
      cloudEvents: 'subject',
      ocsf: 'resources[0].uid',
      ecs: 'entity.id',
      cadf: 'target.id',
    },
  },
  {
    name: 'target_name',
    type: LABEL,
    source: 'producer',
    required: false,
    description: 'What people call the target; can be erased.',
    wire: wire.text,
    standards: {
      cloudEvents: 'targetname',
      ocsf: 'resources[0].name',
      ecs: 'entity.name',
      cadf: 'target.name',
    },
  },
  {
    name: 'related',
    type: PARTY_TUPLE,
    source: 'producer',
    required: false,
    description:
      'Further parties by role: parent, on_behalf_of, subject, …. A target’s history includes events where it is the parent.',
    wire: wire.relatedParties,
    standards: {
      cloudEvents: 'data.related',
      ocsf: 'unmapped.related',
      ecs: 'ledgerline.related',
      cadf: 'attachments[]',
    },
  },
  {
    name: 'source_ip',
    type: 'IPv6',
    source: 'producer',
    required: false,
    description:
      'From where; IPv4 as ::ffff:a.b.c.d. Origins that are no address go to attributes["source.address"].',
    wire: wire.address,
    standards: {
      cloudEvents: 'sourceip',
      ocsf: 'src_endpoint.ip',
      ecs: 'source.ip',
      cadf: 'initiator.host.address',
    },
  },
  {
    name: 'service',
    type: LABEL,
    source: 'producer',
    required: true,
    description: 'The service that recorded the event.',
    wire: wire.label,
    standards: {
      cloudEvents: 'source',
      ocsf: 'metadata.product.name',
      ecs: 'service.name',
      cadf: 'observer.name',
    },
  },
  {
    name: 'producer_id',
    type: 'UUID',
    source: 'producer',
    required: false,
    description: 'One per process start.',
    wire: wire.uuid,
    standards: {
      cloudEvents: 'producerid',
      ocsf: 'metadata.loggers[0].uid',
      ecs: 'service.ephemeral_id',
      cadf: 'observer.id',
    },
  },
  {
    name: 'producer_seq',
    type: 'UInt64',
    source: 'producer',
    required: false,
    description: '1, 2, 3 … per producer_id, with no gap over what the policy kept.',
    wire: wire.safeUint,
    standards: {
      cloudEvents: 'sequence',
      ocsf: 'metadata.sequence',
      ecs: 'event.sequence',
      cadf: 'tags[]',
    },
  },
  {
    name: 'trace_id',
    type: 'UUID',
    source: 'producer',
    required: false,
    description: 'A W3C trace id’s 16 bytes, written as a UUID.',
    wire: wire.uuid,
    standards: {
      cloudEvents: 'traceid',
      ocsf: 'metadata.trace_uid',
      ecs: 'trace.id',
      cadf: 'tags[]',
    },
  },
  {
    name: 'correlation_id',
    type: TEXT,
    source: 'producer',
    required: false,
    description: 'What ties the events of one request or job together.',
    wire: wire.text,
    standards: {
      cloudEvents: 'correlationid',
      ocsf: 'metadata.correlation_uid',
      ecs: 'transaction.id',
      cadf: 'tags[]',
    },
  },
  {
    name: 'reason',
    type: TEXT,
    source: 'producer',
    required: false,
    description: 'The actor’s stated why.',
    wire: wire.text,
    standards: {
      cloudEvents: 'data.reason',
      ocsf: 'unmapped.reason',
      ecs: 'event.reason',
      cadf: 'reason.policyType',
    },
  },
  {
    name: 'message',
    type: TEXT,
    source: 'producer',
    required: false,
    description: 'One line for people; what a free-form event has instead of data.',
    wire: wire.text,
    standards: {
      cloudEvents: 'data.message',
      ocsf: 'message',
      ecs: 'message',
      cadf: 'attachments[]',
    },
  },
  {
    name: 'error_code',
    type: LABEL,
    source: 'producer',
    required: false,
    description: 'Why it failed or was denied, for programs.',
    wire: wire.text,
    standards: {
      cloudEvents: 'errorcode',
      ocsf: 'status_code',
      ecs: 'error.code',
      cadf: 'reason.reasonCode',
    },
  },
  {
    name: 'error_message',
    type: TEXT,
    source: 'producer',
    required: false,
    description: 'Why it failed or was denied, for people.',
    wire: wire.text,
    standards: {
      cloudEvents: 'data.error_message',
      ocsf: 'status_detail',
      ecs: 'error.message',
      cadf: 'reason.reasonType',
    },
  },
  {
    name: 'changes',
    type: CHANGE_TUPLE,
    source: 'producer',
    required: false,
    description:
      'RFC 6902 op and path; old and new hold JSON text, so that "5" and 5 stay apart. Empty text: no such value.',
    wire: wire.changeList,
    standards: {
      cloudEvents: 'data.changes',
      ocsf: 'unmapped.changes',
      ecs: 'ledgerline.changes',
      cadf: 'attachments[]',
    },
  },
  {
    name: 'data',
    type: TEXT,
    source: 'producer',
    required: false,
    description: 'The type’s own fields: an object on the wire, stored as its JSON text.',
    wire: wire.object,
    standards: {
      cloudEvents: 'data.data',
      ocsf: 'api.request.data',
      ecs: 'ledgerline.data',
      cadf: 'attachments[]',
    },
  },
  {
    name: 'execution',
    type: TEXT,
    source: 'producer',
    required: false,
    description: 'A command’s run, the same way: command, exit code, signal, duration, output.',
    wire: wire.object,
    standards: {
      cloudEvents: 'data.execution',
      ocsf: 'unmapped.execution',
      ecs: 'ledgerline.execution',
      cadf: 'attachments[]',
    },
  },
  {
    name: 'retention_class',
    type: LABEL,
    default: "'standard'",
    source: 'producer',
    required: false,
    description: 'How long it is kept, by name; the days are the table’s business.',
    wire: wire.label,
    standards: {
      cloudEvents: 'retentionclass',
      ocsf: 'unmapped.retention_class',
      ecs: 'ledgerline.retention_class',
      cadf: 'tags[]',
    },
  },
  {
    name: 'policy_level',
    type: LABEL,
    source: 'producer',
    required: false,
    description: 'The level in force at the edge when it was kept.',
    wire: wire.text,
    standards: {
      cloudEvents: 'policylevel',
      ocsf: 'unmapped.policy_level',
      ecs: 'ledgerline.policy_level',
      cadf: 'tags[]',
    },
  },
  {
    name: 'policy_rule',
    type: LABEL,
    source: 'producer',
    required: false,
    description: 'The rule that kept it.',
    wire: wire.text,
    standards: {
      cloudEvents: 'policyrule',
      ocsf: 'unmapped.policy_rule',
      ecs: 'rule.name',
      cadf: 'tags[]',
    },
  },
  {
    name: 'weight',
    type: 'Float64',
    default: '1',
    source: 'producer',
    required: false,
    description: '1 / sampling rate: sum(weight) estimates what happened.',
    wire: wire.weight,
    standards: {
      cloudEvents: 'sampledrate',
      ocsf: 'count',
      ecs: 'ledgerline.weight',
      cadf: 'tags[]',
    },
  },
  {
    name: 'attributes',
    type: `Map(${LABEL}, String)`,
    source: 'producer',
    required: false,
    description:
      'Everything else under its OpenTelemetry name; ours are prefixed ledger. (ledger.truncated, ledger.unmapped.<key>).',
    wire: wire.stringMap,
    standards: {
      cloudEvents: 'data.attributes',
      ocsf: 'unmapped.attributes',
      ecs: 'labels',
      cadf: 'attachments[]',
    },
  },
  {
    name: 'kafka_topic',
    type: LABEL,
    source: 'worker',
    required: false,
    description: 'The topic it was read from.',
    wire: wire.label,
    standards: {},
  },
  {
    name: 'kafka_topic_id',
    type: 'UUID',
    source: 'worker',
    required: false,
    description: 'The topic’s id: a recreated topic is another log.',
    wire: wire.uuid,
    standards: {},
  },
  {
    name: 'kafka_partition',
    type: 'UInt32',
    source: 'worker',
    required: false,
    description: 'The partition it was read from.',
    wire: wire.safeUint,
    standards: {},
  },
  {
    name: 'kafka_offset',
    type: 'UInt64',
    source: 'worker',
    required: false,
    description: 'Its offset: with topic id and partition, the one name of a stored message.',
    wire: wire.safeUint,
    standards: {},
  },
  {
    name: 'kafka_timestamp',
    type: "DateTime64(3, 'UTC')",
    source: 'worker',
    required: false,
    description: 'When Kafka says the message was written.',
    wire: wire.instant,
    standards: {},
  },
  {
    name: 'ingested_at',
    type: "DateTime64(3, 'UTC')",
    default: "now64(3) + toIntervalSecond(throwIf(now() > toDateTime(lease), 'LEASE_EXPIRED'))",
    source: 'table',
    required: false,
    description: 'When the table took it; computing it refuses rows whose lease has run out.',
    wire: wire.instant,
    standards: {},
  },
  {
    name: 'lease',
    type: 'UInt32',
    source: 'worker',
    required: false,
    description:
      'EPHEMERAL: until when (Unix seconds) the worker may write. Never stored; ingested_at checks it.',
    wire: wire.safeUint,
    standards: {},
  },
] as const satisfies readonly Column[];

type AnyColumn = (typeof COLUMNS)[number];
export type ProducerColumn = Extract<AnyColumn, { source: 'producer' }>;
export type ProducerColumnName = ProducerColumn['name'];

const isFrom =
  <S extends Column['source']>(source: S) =>
  (column: AnyColumn): column is Extract<AnyColumn, { source: S }> =>
    column.source === source;

/** The columns that may appear on the wire. */
export const PRODUCER_COLUMNS: readonly ProducerColumn[] = COLUMNS.filter(isFrom('producer'));

/** The INSERT list: what producers send, then what the worker splices in, the lease last. */
export const INSERT_COLUMNS: readonly string[] = [
  ...PRODUCER_COLUMNS.map((column) => column.name),
  ...COLUMNS.filter(isFrom('worker')).map((column) => column.name),
];
