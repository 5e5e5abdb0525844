export {
  memoryTransport,
  MemoryTransport,
  type StoredMessage,
} from './testing/memory-transport.ts';
export { testLedger, type TestLedger, type TestLedgerOptions } from './testing/test-ledger.ts';
export {
  ledgerMatchers,
  type ExpectedEvent,
  type HowOften,
  type LedgerMatchers,
} from './testing/matchers.ts';
export { exercised, unexercised, type Audited, type Exceptions } from './testing/coverage.ts';
