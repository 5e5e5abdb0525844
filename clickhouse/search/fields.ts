import type {
  EnumColumn,
  JsonColumn,
  NumberColumn,
  TextColumn,
  TimeColumn,
  UuidColumn,
} from './condition.ts';

/** How a field reads its values, and what it compares. */
export type FieldKind =
  /** Exact, upper and lower case apart: ids, types, codes. */
  | { readonly is: 'label'; readonly column: TextColumn }
  /** The whole text, case aside: names. */
  | { readonly is: 'name'; readonly column: TextColumn }
  /** Somewhere in the text, case aside. */
  | { readonly is: 'text'; readonly column: TextColumn }
  | { readonly is: 'error' }
  | { readonly is: 'words'; readonly column: EnumColumn; readonly ordered: boolean }
  | { readonly is: 'party'; readonly type: TextColumn; readonly id: TextColumn }
  | { readonly is: 'related'; readonly role?: string }
  | { readonly is: 'time'; readonly column: TimeColumn; readonly bound?: 'since' | 'until' }
  | { readonly is: 'number'; readonly column: NumberColumn }
  | { readonly is: 'uuid'; readonly column: UuidColumn }
  | { readonly is: 'address' }
  | { readonly is: 'path' }
  | { readonly is: 'changeValue'; readonly part: 'old' | 'new' }
  | { readonly is: 'attribute'; readonly key: string }
  | { readonly is: 'json'; readonly column: JsonColumn; readonly path: readonly string[] };

export interface Field {
  readonly name: string;
  /** Other names people try. */
  readonly aliases?: readonly string[];
  readonly kind: FieldKind;
  readonly about: string;
  readonly example: string;
}

/** Every field with a fixed name. docs/search.md has the same table, made from this one. */
export const FIELDS: readonly Field[] = [
  {
    name: 'actor',
    aliases: ['user', 'who'],
    kind: { is: 'party', type: 'actor_type', id: 'actor_id' },
    about: 'who did it: an id, or type/id',
    example: 'actor:user/u_7',
  },
  {
    name: 'actor.type',
    kind: { is: 'label', column: 'actor_type' },
    about: 'what kind of thing acted',
    example: 'actor.type:service,system',
  },
  {
    name: 'actor.id',
    kind: { is: 'label', column: 'actor_id' },
    about: 'the actor’s id alone',
    example: 'actor.id:u_*',
  },
  {
    name: 'actor.name',
    kind: { is: 'name', column: 'actor_name' },
    about: 'what people call the actor',
    example: 'actor.name:"alice smith"',
  },
  {
    name: 'target',
    kind: { is: 'party', type: 'target_type', id: 'target_id' },
    about: 'what it was done to: an id, or type/id',
    example: 'target:app/app-7',
  },
  {
    name: 'target.type',
    kind: { is: 'label', column: 'target_type' },
    about: 'what kind of thing it was done to',
    example: 'target.type:server',
  },
  {
    name: 'target.id',
    kind: { is: 'label', column: 'target_id' },
    about: 'the target’s id alone',
    example: 'target.id:app-7',
  },
  {
    name: 'target.name',
    kind: { is: 'name', column: 'target_name' },
    about: 'what people call the target',
    example: 'target.name:store*',
  },
  {
    name: 'related',
    kind: { is: 'related' },
    about: 'a further party of any role: an id, or type/id; related.ROLE for one role',
    example: 'related.on_behalf_of:user/u_9',
  },
  {
    name: 'parent',
    kind: { is: 'related', role: 'parent' },
    about: 'what the target belongs to; the same as related.parent',
    example: 'parent:app/app-7',
  },
  {
    name: 'category',
    kind: { is: 'label', column: 'category' },
    about: 'the group of types',
    example: 'category:app,server',
  },
  {
    name: 'type',
    aliases: ['event', 'action', 'event_type'],
    kind: { is: 'label', column: 'event_type' },
    about: 'the event’s type',
    example: 'type:app.env_var.*',
  },
  {
    name: 'operation',
    aliases: ['op'],
    kind: { is: 'words', column: 'operation', ordered: false },
    about: 'create, read, update, delete, execute, export or unknown',
    example: 'operation:delete,export',
  },
  {
    name: 'outcome',
    aliases: ['result', 'status'],
    kind: { is: 'words', column: 'outcome', ordered: false },
    about: 'success, failure, denied or unknown',
    example: 'outcome:denied',
  },
  {
    name: 'severity',
    kind: { is: 'words', column: 'severity', ordered: true },
    about: 'informational, low, medium, high or critical',
    example: 'severity:>=high',
  },
  {
    name: 'since',
    aliases: ['after', 'from'],
    kind: { is: 'time', column: 'occurred_at', bound: 'since' },
    about: 'from that time on',
    example: 'since:7d',
  },
  {
    name: 'until',
    aliases: ['before', 'to'],
    kind: { is: 'time', column: 'occurred_at', bound: 'until' },
    about: 'before that time; a date is included',
    example: 'until:2026-11-05',
  },
  {
    name: 'at',
    aliases: ['time', 'occurred', 'occurred_at', 'date'],
    kind: { is: 'time', column: 'occurred_at' },
    about: 'within a day, month, minute; a range; a comparison',
    example: 'at:2026-11-01..2026-11-05',
  },
  {
    name: 'ingested',
    aliases: ['ingested_at'],
    kind: { is: 'time', column: 'ingested_at' },
    about: 'when the ledger stored it',
    example: 'ingested:>=1h',
  },
  {
    name: 'tenant',
    aliases: ['tenant_id'],
    kind: { is: 'label', column: 'tenant_id' },
    about: 'whose event it is, within those that may be read',
    example: 'tenant:acme',
  },
  {
    name: 'service',
    kind: { is: 'label', column: 'service' },
    about: 'the service that recorded it',
    example: '-service:cron',
  },
  {
    name: 'ip',
    aliases: ['source_ip', 'address'],
    kind: { is: 'address' },
    about: 'the source address: one, a network, a range',
    example: 'ip:10.0.0.0/8',
  },
  {
    name: 'changed',
    aliases: ['path', 'change'],
    kind: { is: 'path' },
    about:
      'a changed field by its JSON Pointer, with all below it; without a slash: a name anywhere in the path',
    example: 'changed:/phone',
  },
  {
    name: 'old',
    kind: { is: 'changeValue', part: 'old' },
    about: 'a value that a change replaced',
    example: 'old:draft',
  },
  {
    name: 'new',
    kind: { is: 'changeValue', part: 'new' },
    about: 'a value that a change set',
    example: 'new:published',
  },
  {
    name: 'message',
    kind: { is: 'text', column: 'message' },
    about: 'words of the message',
    example: 'message:"disk full"',
  },
  {
    name: 'reason',
    kind: { is: 'text', column: 'reason' },
    about: 'words of the stated reason',
    example: 'reason:ticket',
  },
  {
    name: 'error',
    kind: { is: 'error' },
    about: 'the error’s code, or words of its message',
    example: 'error:forbidden',
  },
  {
    name: 'error.code',
    aliases: ['error_code'],
    kind: { is: 'label', column: 'error_code' },
    about: 'the error’s code, exactly',
    example: 'error.code:AccessDenied',
  },
  {
    name: 'error.message',
    aliases: ['error_message'],
    kind: { is: 'text', column: 'error_message' },
    about: 'words of the error’s message',
    example: 'error.message:timeout',
  },
  {
    name: 'id',
    aliases: ['event_id'],
    kind: { is: 'uuid', column: 'event_id' },
    about: 'the event’s id',
    example: 'id:0198c0de-0000-7000-8000-0000000000aa',
  },
  {
    name: 'correlation',
    aliases: ['correlation_id', 'request'],
    kind: { is: 'label', column: 'correlation_id' },
    about: 'what ties the events of one request together',
    example: 'correlation:req-1',
  },
  {
    name: 'trace',
    aliases: ['trace_id'],
    kind: { is: 'uuid', column: 'trace_id' },
    about: 'the W3C trace id: 32 hexadecimal digits',
    example: 'trace:4bf92f3577b34da6a3ce929d0e0e4736',
  },
  {
    name: 'producer',
    aliases: ['producer_id'],
    kind: { is: 'uuid', column: 'producer_id' },
    about: 'one run of a service',
    example: 'producer:0198c0de-0000-7000-8000-0000000000bb',
  },
  {
    name: 'seq',
    aliases: ['producer_seq'],
    kind: { is: 'number', column: 'producer_seq' },
    about: 'the event’s number within its producer',
    example: 'seq:100..200',
  },
  {
    name: 'rule',
    aliases: ['policy_rule'],
    kind: { is: 'label', column: 'policy_rule' },
    about: 'the policy’s rule that kept it',
    example: 'rule:sample-tool-calls',
  },
  {
    name: 'level',
    aliases: ['policy_level'],
    kind: { is: 'label', column: 'policy_level' },
    about: 'the level that was in force',
    example: 'level:writes_only',
  },
  {
    name: 'weight',
    kind: { is: 'number', column: 'weight' },
    about: 'how many events it stands for',
    example: 'weight:>1',
  },
  {
    name: 'version',
    aliases: ['event_version'],
    kind: { is: 'number', column: 'event_version' },
    about: 'the version of its type',
    example: 'version:2',
  },
  {
    name: 'retention',
    aliases: ['retention_class'],
    kind: { is: 'label', column: 'retention_class' },
    about: 'the retention class',
    example: 'retention:archive',
  },
  {
    name: 'topic',
    aliases: ['kafka_topic'],
    kind: { is: 'label', column: 'kafka_topic' },
    about: 'the Kafka topic it came from',
    example: 'topic:audit.events',
  },
  {
    name: 'partition',
    aliases: ['kafka_partition'],
    kind: { is: 'number', column: 'kafka_partition' },
    about: 'the Kafka partition it came from',
    example: 'partition:3',
  },
  {
    name: 'offset',
    aliases: ['kafka_offset'],
    kind: { is: 'number', column: 'kafka_offset' },
    about: 'its Kafka offset',
    example: 'offset:>=5000',
  },
];
