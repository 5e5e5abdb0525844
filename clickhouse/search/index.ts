/** Asking the ledger: a query language, and answers of several kinds to it. */
export { activity, type ActivityBucket, type ActivityOptions, type Bucket } from './activity.ts';
export { type AskOptions, DEFAULT_SEARCH_TIMEOUT_MS } from './ask.ts';
export { count, type Total } from './count.ts';
export { eventById } from './event-by-id.ts';
export { DEFAULT_FACETS } from './default-facets.ts';
export { type Facet, type FacetOptions, facets, type FacetValue } from './facets.ts';
export { FAMILIES } from './field-named.ts';
export { type Field, FIELDS } from './fields.ts';
export { follow, type FollowOptions, type StoredPositions, storedPositions } from './follow.ts';
export type { Order } from './stretches.ts';
export { QUERY_LIMITS } from './limits.ts';
export { QueryError } from './query-error.ts';
export { EVERY_TENANT, type TenantScope } from './scope.ts';
export { search, type SearchOptions, searchPage, type SearchPage } from './search.ts';
export { type Statement, statementOf } from './statement.ts';
