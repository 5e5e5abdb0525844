/** Where the parts of a local stack listen by default: where every command looks for them. */
export const KAFKA_PORT = 9092;
export const CLICKHOUSE_PORT = 8123;
