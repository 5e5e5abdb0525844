/**
 * Every error this package makes: its code, whether trying again can help, what it means.
 * docs/errors.md is made from this table. Codes are stable: programs may switch on them.
 */
export const ERROR_CODES = {
  EVENT_TYPE_UNKNOWN: { retryable: false, meaning: 'no catalog declares this event type' },
  EVENT_VERSION_UNKNOWN: { retryable: false, meaning: 'the event type has no such version' },
  EVENT_DATA_INVALID: { retryable: false, meaning: "the event's data does not fit its schema" },
  EVENT_INVALID: { retryable: false, meaning: 'a required field is missing or of a wrong kind' },
  EVENT_REASON_REQUIRED: { retryable: false, meaning: 'the event type demands a stated reason' },
  EVENT_TARGET_REQUIRED: { retryable: false, meaning: 'the event type is about a target' },
  EVENT_MESSAGE_REQUIRED: { retryable: false, meaning: 'a free-form event needs a message' },
  CATALOG_NAME_INVALID: { retryable: false, meaning: 'a category or event type is misnamed' },
  CATALOG_NAME_RESERVED: { retryable: false, meaning: 'the name belongs to Ledgerline itself' },
  CATALOG_DUPLICATE: { retryable: false, meaning: 'a type, alias or category is declared twice' },
  CATALOG_INVALID: { retryable: false, meaning: 'a category or event type contradicts itself' },
  HOLD_INCOMPLETE: {
    retryable: false,
    meaning: 'an event expired while a hold on it was being placed',
  },
  KEEPING_BUSY: {
    retryable: true,
    meaning: 'another hold, sweep or erasure is at work',
  },
  ERASURE_HELD: { retryable: false, meaning: 'a hold forbids to erase these events' },
  ERASURE_INCOMPLETE: {
    retryable: true,
    meaning: 'something of a person is still found after an erasure',
  },
  EXPORT_INCOMPLETE: { retryable: true, meaning: 'an export could not be written whole' },
  CHANGES_UNAPPLICABLE: {
    retryable: false,
    meaning: 'changes do not fit the record they are applied to',
  },
  TARGET_AMBIGUOUS: {
    retryable: false,
    meaning: 'several tenants have a target of this type and id',
  },
  RECORD_TOO_LARGE: { retryable: false, meaning: 'a record is too large to be rebuilt in memory' },
  UNDO_REFUSED: {
    retryable: false,
    meaning: 'going back would overwrite later changes, or needs values that are not known',
  },
  ROW_INVALID: { retryable: false, meaning: 'a wire row is not what the column table says' },
  CONFIG_INVALID: { retryable: false, meaning: 'configuration is unknown, missing or malformed' },
  POLICY_INVALID: { retryable: false, meaning: 'a policy cannot be read or says what must not be' },
  KAFKA_UNREACHABLE: { retryable: true, meaning: 'no Kafka broker answered' },
  KAFKA_REFUSED: { retryable: false, meaning: 'Kafka answered and refused' },
  KAFKA_TOPIC_MISSING: { retryable: false, meaning: 'the topic does not exist' },
  KAFKA_TOPIC_UNFIT: {
    retryable: false,
    meaning: 'the topic is set up so that events would be lost',
  },
  KAFKA_TOPIC_RECREATED: { retryable: false, meaning: 'the topic was deleted and made again' },
  KAFKA_BATCH_CORRUPT: {
    retryable: false,
    meaning: 'Kafka gives out messages otherwise than it took them',
  },
  KAFKA_BATCH_UNKNOWN: {
    retryable: false,
    meaning: 'Kafka holds messages in a compression that this version does not know',
  },
  KAFKA_OFFSETS_LOST: {
    retryable: false,
    meaning: 'Kafka no longer holds what was not yet stored',
  },
  TABLE_UNFIT: {
    retryable: false,
    meaning: 'a table is missing or is not what the migrations make',
  },
  DELIVERY_HALTED: { retryable: false, meaning: 'going on could lose or double events' },
  REBUILD_REFUSED: {
    retryable: false,
    meaning: 'going on with a rebuild could lose, double or uncover events',
  },
  CLICKHOUSE_UNREACHABLE: { retryable: true, meaning: 'ClickHouse did not answer' },
  CLICKHOUSE_REFUSED: { retryable: false, meaning: 'ClickHouse answered with an exception' },
  CLICKHOUSE_HTTP_ERROR: { retryable: true, meaning: 'what answered is not ClickHouse' },
  POSTGRES_UNREACHABLE: { retryable: true, meaning: 'PostgreSQL did not answer' },
  POSTGRES_REFUSED: { retryable: false, meaning: 'PostgreSQL answered and refused' },
  POSTGRES_DRIVER_MISSING: { retryable: false, meaning: 'the package pg is not installed' },
  DATABASE_NAME_INVALID: { retryable: false, meaning: 'the name of the database is malformed' },
  DATABASE_NEWER: { retryable: false, meaning: 'a newer version has migrated the database' },
  MIGRATION_INVALID: { retryable: false, meaning: 'a migration file is misnamed' },
  MIGRATION_EDITED: { retryable: false, meaning: 'a migration changed after it was applied' },
  RETENTION_INVALID: { retryable: false, meaning: 'a retention class or its days break a rule' },
  DEADLINE_EXCEEDED: { retryable: true, meaning: 'something did not finish in its time' },
  QUERY_INVALID: { retryable: false, meaning: 'a search query cannot be read' },
  CURSOR_INVALID: {
    retryable: false,
    meaning: 'a cursor was changed, or belongs to another search',
  },
  EVENT_TOO_LARGE: { retryable: false, meaning: 'the event is larger than the topic takes' },
  SPOOL_FULL: { retryable: true, meaning: 'the spool on disk had no room for the event' },
  SPOOL_LOST: {
    retryable: true,
    meaning: 'the file of the spool that alone had the event is deleted or damaged',
  },
  BUFFER_FULL: { retryable: true, meaning: 'the buffer had no room for the event' },
  PORT_TAKEN: { retryable: false, meaning: 'something else listens on the port' },
  JAVA_UNUSABLE: { retryable: false, meaning: 'there is no Java, or it is too old' },
  LOCAL_PART_MISSING: { retryable: false, meaning: 'a part of the local stack is not installed' },
  LOCAL_START_FAILED: { retryable: false, meaning: 'a part of the local stack did not start' },
  FOLDER_LOCKED: { retryable: false, meaning: 'another process owns the data folder' },
  CALLBACK_FAILED: { retryable: false, meaning: 'a function of the service threw or was late' },
  QUARANTINE_UNKNOWN: { retryable: false, meaning: 'no such message is in quarantine' },
  CLOSED: { retryable: false, meaning: 'it was used after it was closed' },
} as const satisfies Readonly<Record<string, { retryable: boolean; meaning: string }>>;

export type ErrorCode = keyof typeof ERROR_CODES;

export interface LedgerlineErrorOptions {
  /** The way out: what the reader should do now. */
  readonly hint: string;
  /** Overrides the code's own answer where the circumstances are known better. */
  readonly retryable?: boolean | undefined;
  readonly cause?: unknown;
}

/**
 * The one error of this package. `message` names the thing and the rule (never a value or a
 * secret), `hint` the way out, `retryable` whether the same call may succeed later.
 *
 * @example
 * try {
 *   defineCatalog(category('App', { label: 'App', icon: 'box', events: {} }));
 * } catch (error) {
 *   if (error instanceof LedgerlineError) console.error(error.code, error.hint);
 * }
 */
export class LedgerlineError extends Error {
  override readonly name: string = 'LedgerlineError';
  readonly code: ErrorCode;
  readonly retryable: boolean;
  readonly hint: string;

  constructor(code: ErrorCode, message: string, options: LedgerlineErrorOptions) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.retryable = options.retryable ?? ERROR_CODES[code].retryable;
    this.hint = options.hint;
  }
}
