/** What ClickHouse and JavaScript both write as a date. */
const EARLIEST_MS = Date.parse('0000-01-01T00:00:00.000Z');
const LATEST_MS = Date.parse('9999-12-31T23:59:59.999Z');

/**
 * Kafka's timestamp as both tables store it. It is any 64-bit number that a producer likes, and the sum of two
 * in a record batch even beyond that: out of range it becomes the nearest that is not.
 */
export const storedTime = (timestamp: number): number =>
  Math.min(LATEST_MS, Math.max(EARLIEST_MS, timestamp));
