/**
 * The protocol of one partition, as a pure state machine: what to do next, and what follows from how
 * it ended. No clock, no broker, no engine: those are the runner's, which does what `state.at` says and
 * answers with an outcome. docs/delivery.md tells the protocol in words.
 *
 * The rule behind every arrow: nothing is committed before it is stored, and nothing that may have been
 * stored is inserted again without looking.
 */
import { type Intent, MAX_ACCUSATIONS } from './intent.ts';

/** What the machine has to know of a batch; its messages stay with the runner. */
export interface BatchFacts {
  readonly first: number;
  readonly last: number;
  readonly rows: number;
  readonly hash: string;
  /** Offsets that go to quarantine instead of the ledger. */
  readonly bad: readonly number[];
}

interface Work {
  readonly batch: BatchFacts;
  /** No earlier attempt can have stored any of it: the one case in which looking is not needed. */
  readonly fresh: boolean;
  /**
   * An earlier insert may still land, until its lease is over: an earlier owner's, or one whose end is not
   * known. To repeat it under its token is safe meanwhile; to blame a row of it, or to cut the batch, is not.
   */
  readonly underWay: boolean;
  /** Which token the insert uses: each level is one more healing of what the last one left out. */
  readonly level: number;
  /** Offsets still to be inserted; `'all'` but the bad ones while nobody has looked. */
  readonly missing: 'all' | readonly number[];
  /**
   * A row that the engine blames and our own rules do not: it is tried alone before it is believed to
   * be bad, because what cut or spoilt the whole insert would blame a row as well. Under the same token as the
   * whole: whichever of the two lands last, this row of it is dropped.
   */
  readonly accused: number | undefined;
}

interface Position {
  readonly topicId: string;
  /** The highest offset known to be stored: at or under it, an offset may be in the ledger already. */
  readonly highWater: number;
  /**
   * How many rows only the engine has blamed since it last took what a batch was to store. Committed with each
   * offset: neither small batches nor a restart begin to count anew.
   */
  readonly accusations: number;
}

export type State = Position &
  (
    | { readonly at: 'opening'; readonly intent: Intent | null }
    | { readonly at: 'collecting'; readonly intent: Intent | null }
    | ({ readonly at: 'declaring' } & { readonly work: Work })
    | ({ readonly at: 'looking' } & { readonly work: Work })
    | ({ readonly at: 'inserting' } & { readonly work: Work })
    | ({ readonly at: 'judging' } & { readonly work: Work; readonly refusal: Refusal })
    | ({ readonly at: 'outlasting' } & { readonly work: Work })
    | ({ readonly at: 'quarantine-looking' } & { readonly work: Work })
    | ({ readonly at: 'quarantining' } & { readonly work: Work })
    | ({ readonly at: 'finishing' } & { readonly work: Work })
    | { readonly at: 'halted'; readonly halt: Halt }
  );

/** What the engine said of content it would not take. */
export interface Refusal {
  /** Offset of the row it named. */
  readonly offset: number | undefined;
  readonly error: string;
}

export interface Halt {
  readonly code:
    | 'INTENT_MISMATCH'
    | 'ROWS_VANISH'
    | 'WRITTEN_TOO_MANY'
    | 'MASS_REFUSAL'
    | 'UNLOCATED_REFUSAL'
    | 'CONFIGURATION';
  readonly message: string;
  /** The way out, where the engine's answer tells it. */
  readonly hint?: string;
}

/** How what `state.at` asked for has ended. Being fenced is no outcome: the runner just stops. */
export type Outcome =
  | { readonly kind: 'high-water'; readonly offset: number }
  | { readonly kind: 'batch'; readonly batch: BatchFacts }
  | { readonly kind: 'committed' }
  | { readonly kind: 'finished'; readonly next: BatchFacts | null }
  | { readonly kind: 'missing'; readonly offsets: readonly number[] }
  | { readonly kind: 'inserted'; readonly written: number; readonly expected: number }
  | { readonly kind: 'quarantined' }
  | { readonly kind: 'unsure' }
  /** The leases of all inserts that were under way are over. */
  | { readonly kind: 'outlasted' }
  | { readonly kind: 'lease-over' }
  | { readonly kind: 'refused'; readonly refusal: Refusal }
  | {
      readonly kind: 'judged';
      /** Offsets found bad now, besides those that were known. */
      readonly bad: readonly number[];
      /** Rows that were rewritten so that the engine takes them. */
      readonly mended: number;
      /** The batch itself, cut shorter when its bad offsets would not fit Kafka's metadata. */
      readonly batch: BatchFacts;
    }
  /** The insert was more than is taken at once; this is the front of the batch. Nothing was written. */
  | { readonly kind: 'narrowed'; readonly batch: BatchFacts }
  | { readonly kind: 'misconfigured'; readonly error: string; readonly hint: string };

/** After so many acknowledged inserts whose rows are not there, something eats rows. */
export const MAX_HEALINGS = 16;

/** A partition just assigned; `intent` and `accusations` stand beside its committed offset. */
export function opening(topicId: string, intent: Intent | null, accusations = 0): State {
  return { at: 'opening', topicId, highWater: -1, accusations, intent };
}

export function advance(state: State, outcome: Outcome): State {
  if (outcome.kind === 'misconfigured') {
    return halted(state, 'CONFIGURATION', outcome.error, outcome.hint);
  }
  switch (state.at) {
    case 'opening':
      if (outcome.kind === 'high-water') {
        return {
          ...position(state),
          at: 'collecting',
          highWater: outcome.offset,
          intent: state.intent,
        };
      }
      break;
    case 'collecting':
      if (outcome.kind === 'batch') return begin(state, state.intent, outcome.batch);
      break;
    case 'declaring':
      if (outcome.kind === 'committed') return toStore(state, state.work);
      break;
    case 'looking':
      if (outcome.kind === 'missing') return afterLook(state, state.work, outcome.offsets);
      if (outcome.kind === 'unsure') return state;
      break;
    case 'inserting':
      return afterInsert(state, state.work, outcome);
    case 'judging':
      if (outcome.kind === 'judged')
        return afterJudgement(state, state.work, state.refusal, outcome);
      break;
    case 'outlasting':
      if (outcome.kind === 'outlasted') {
        return { ...position(state), at: 'declaring', work: { ...state.work, underWay: false } };
      }
      break;
    case 'quarantine-looking':
      if (outcome.kind === 'missing')
        return afterQuarantineLook(state, state.work, outcome.offsets);
      if (outcome.kind === 'unsure') return state;
      break;
    case 'quarantining':
      return afterQuarantine(state, state.work, outcome);
    case 'finishing':
      if (outcome.kind === 'finished') return afterFinish(state, state.work, outcome.next);
      break;
    case 'halted':
      return state;
  }
  throw new Error(`Outcome "${outcome.kind}" has no meaning while ${state.at}`);
}

/** What is committed before a batch is stored. */
export function intentOf(topicId: string, batch: BatchFacts): Intent {
  const { first, last, rows, hash, bad } = batch;
  return { topicId, first, last, rows, hash, bad };
}

const position = ({ topicId, highWater, accusations }: Position): Position => ({
  topicId,
  highWater,
  accusations,
});

function halted(state: Position, code: Halt['code'], message: string, hint?: string): State {
  const halt: Halt = { code, message, ...(hint !== undefined && { hint }) };
  return { ...position(state), at: 'halted', halt };
}

function begin(state: Position, intent: Intent | null, batch: BatchFacts): State {
  if (intent) {
    const same =
      intent.hash === batch.hash && intent.rows === batch.rows && intent.last === batch.last;
    if (!same) {
      return halted(
        state,
        'INTENT_MISMATCH',
        `offsets ${intent.first}–${intent.last} are not what the last owner was about to store: ` +
          `${intent.rows} messages with hash ${intent.hash} then, ${batch.rows} with ${batch.hash} now`,
      );
    }
    const decided: BatchFacts = { ...batch, bad: intent.bad };
    return {
      ...position(state),
      at: 'declaring',
      work: { ...newWork(decided, false), underWay: true },
    };
  }
  const work = newWork(batch, batch.first > state.highWater);
  // Only control or aborted records: nothing to store, so nothing to declare.
  if (batch.rows === 0) return { ...position(state), at: 'finishing', work };
  return { ...position(state), at: 'declaring', work };
}

function newWork(batch: BatchFacts, fresh: boolean): Work {
  return { batch, fresh, underWay: false, level: 0, missing: 'all', accused: undefined };
}

/** The intent is committed: on to the ledger. */
function toStore(state: Position, work: Work): State {
  return { ...position(state), at: work.fresh ? 'inserting' : 'looking', work };
}

function toQuarantine(state: Position, work: Work): State {
  return {
    ...position(state),
    at: work.batch.bad.length > 0 ? 'quarantine-looking' : 'finishing',
    work: { ...work, level: 0 },
  };
}

function afterLook(state: Position, work: Work, missing: readonly number[]): State {
  if (missing.length === 0) return toQuarantine(state, work);
  return { ...position(state), at: 'inserting', work: { ...work, missing } };
}

function afterInsert(state: State & { at: 'inserting' }, work: Work, outcome: Outcome): State {
  switch (outcome.kind) {
    case 'inserted':
      if (work.accused !== undefined) {
        // Innocent, and stored: what was wrong was not this row.
        return { ...position(state), at: 'looking', work: { ...work, accused: undefined } };
      }
      return afterAcknowledged(
        // Whatever it blamed before, it does take rows.
        outcome.expected > 0 ? { ...position(state), accusations: 0 } : state,
        work,
        outcome,
      );
    case 'unsure':
      return {
        ...position(state),
        at: 'looking',
        work: { ...work, fresh: false, underWay: true, accused: undefined },
      };
    case 'lease-over':
      // Refused as a whole; the runner renews the lease before it tries the same again.
      return state;
    case 'narrowed':
      return narrowed(state, work, outcome.batch);
    case 'refused':
      return { ...position(state), at: 'judging', work, refusal: outcome.refusal };
    default:
      throw new Error(`Outcome "${outcome.kind}" has no meaning while inserting`);
  }
}

function afterAcknowledged(
  state: Position,
  work: Work,
  { written, expected }: Outcome & { kind: 'inserted' },
): State {
  const { first, last } = work.batch;
  if (work.fresh) {
    if (written === expected) return toQuarantine(state, work);
    if (written > expected) {
      return halted(
        state,
        'WRITTEN_TOO_MANY',
        `the engine wrote ${written} rows for ${expected} messages of offsets ${first}–${last}`,
      );
    }
    return { ...position(state), at: 'looking', work: { ...work, fresh: false } };
  }
  // Our own success settles this token: what is still missing afterwards needs another one.
  if (work.level === MAX_HEALINGS) {
    return halted(
      state,
      'ROWS_VANISH',
      `the engine acknowledged rows of offsets ${first}–${last} ${MAX_HEALINGS} times and does not hold them`,
    );
  }
  return { ...position(state), at: 'looking', work: { ...work, level: work.level + 1 } };
}

/** Whether the insert just refused held one row alone, so that the engine can mean no other. */
export function triedAlone({ batch, missing, accused }: Work): boolean {
  if (accused !== undefined) return true;
  return (missing === 'all' ? batch.rows - batch.bad.length : missing.length) === 1;
}

function afterJudgement(
  state: Position,
  work: Work,
  refusal: Refusal,
  verdict: Outcome & { kind: 'judged' },
): State {
  const { batch, bad, mended } = verdict;
  if (bad.length > 0 || mended > 0) return declareAgain(state, work, batch, bad);
  // What is wrong lies behind the cut, and is met again in the next batch.
  const isBehind = batch.last < work.batch.last && !triedAlone(work);
  const next = isBehind ? declareAgain(state, work, batch, []) : blame(state, work, refusal, batch);
  // What the engine refuses now it may have taken before.
  return work.underWay && next.at !== 'halted' ? outlast(state, work, batch) : next;
}

/** Nothing of what we can see is wrong, so the engine's word has to stand, one row at a time. */
function blame(state: Position, work: Work, { offset, error }: Refusal, batch: BatchFacts): State {
  if (offset === undefined) {
    return halted(
      state,
      'UNLOCATED_REFUSAL',
      `the engine refused a batch without naming a row: ${error}`,
    );
  }
  // A row on trial was counted when it was accused.
  const accusations = state.accusations + (work.accused === undefined ? 1 : 0);
  if (accusations > MAX_ACCUSATIONS) return refusesEverything(state, error);
  const counted: Position = { ...position(state), accusations };
  if (triedAlone(work)) {
    // Unless the batch was cut shorter in front of it: then it is met again in the next one.
    return declareAgain(counted, work, batch, offset <= batch.last ? [offset] : []);
  }
  return { ...counted, at: 'inserting', work: { ...work, fresh: false, accused: offset } };
}

const refusesEverything = (state: Position, error: string): State =>
  halted(
    state,
    'MASS_REFUSAL',
    `the engine refused more than ${MAX_ACCUSATIONS} rows that are valid by our own rules, and took none in between ` +
      `(a migration that is missing, something that cuts what is sent, or a fault of ours); the last time with: ${error}`,
  );

/** The batch is now another than the one declared: shorter, or with other rows left out. */
function declareAgain(
  state: Position,
  work: Work,
  batch: BatchFacts,
  foundBad: readonly number[],
): State & { at: 'declaring' } {
  const left =
    work.missing === 'all'
      ? work.missing
      : work.missing.filter((offset) => offset <= batch.last && !foundBad.includes(offset));
  const decided: BatchFacts = {
    ...batch,
    bad: [...work.batch.bad.filter((offset) => offset <= batch.last), ...foundBad],
  };
  return {
    ...position(state),
    // A batch cut shorter leaves a tail that an earlier attempt has reached for: look at it first.
    highWater:
      batch.last < work.batch.last ? Math.max(state.highWater, work.batch.last) : state.highWater,
    at: 'declaring',
    work: { ...work, batch: decided, missing: left, accused: undefined },
  };
}

/** Whatever is under way has landed, or never will, before anything of the batch is decided. */
function outlast(state: Position, work: Work, batch: BatchFacts): State {
  return { ...declareAgain(state, work, batch, []), at: 'outlasting' };
}

/** Half of it is tried next. Whatever refused the whole may have seen some of it: look first. */
function narrowed(state: Position, work: Work, batch: BatchFacts): State {
  if (work.underWay) return outlast(state, work, batch);
  return declareAgain(state, { ...work, fresh: false }, batch, []);
}

function afterQuarantineLook(state: Position, work: Work, missing: readonly number[]): State {
  if (missing.length === 0) return { ...position(state), at: 'finishing', work };
  return { ...position(state), at: 'quarantining', work: { ...work, missing } };
}

function afterQuarantine(
  state: State & { at: 'quarantining' },
  work: Work,
  outcome: Outcome,
): State {
  switch (outcome.kind) {
    case 'quarantined':
      if (work.level === MAX_HEALINGS) {
        return halted(
          state,
          'ROWS_VANISH',
          `the engine acknowledged quarantined messages of offsets ${work.batch.first}–${work.batch.last} ` +
            `${MAX_HEALINGS} times and does not hold them`,
        );
      }
      return {
        ...position(state),
        at: 'quarantine-looking',
        work: { ...work, level: work.level + 1 },
      };
    case 'unsure':
      return { ...position(state), at: 'quarantine-looking', work: { ...work, underWay: true } };
    case 'lease-over':
      return { ...position(state), at: 'quarantine-looking', work };
    case 'narrowed':
      return narrowed(state, work, outcome.batch);
    default:
      throw new Error(`Outcome "${outcome.kind}" has no meaning while quarantining`);
  }
}

function afterFinish(state: Position, work: Work, next: BatchFacts | null): State {
  const stored: Position = {
    ...position(state),
    highWater: Math.max(state.highWater, work.batch.last),
  };
  if (!next) return { ...stored, at: 'collecting', intent: null };
  // The same commit has declared the next batch.
  return toStore(stored, newWork(next, next.first > stored.highWater));
}
