import { LedgerlineError } from '../../schemas/errors.ts';
import type { AuditEvent } from '../../schemas/index.ts';
import { knownChanges } from './known-changes.ts';
import { hasFailed, isCreation, isDeletion, leftOut } from './life.ts';
import { RecordEdit } from './record-edit.ts';
import { type EventRef, isWhole, jsonOf, type Node, type Stamp } from './record-tree.ts';

/** Something that the events of a target do not tell, though it happened or may have happened. */
export interface Gap {
  /**
   * `sampled`: the event stands for several. `filtered`: a level was in force that keeps no changes.
   * `contradicted`: a change does not fit what was there. `untold`: an update that names no changes.
   * `outcome`: nobody said whether it succeeded.
   */
  readonly kind: 'sampled' | 'filtered' | 'contradicted' | 'untold' | 'outcome';
  readonly event: EventRef;
  /** The changes that did not fit. */
  readonly paths?: readonly string[];
}

/** Whether there is such a target. */
export type Existence = 'exists' | 'deleted' | 'unknown';

const MAX_GAPS = 100;
const MAX_PATHS = 20;
/** A record is made of events of 256 KiB at most, and of any number of them. */
const MAX_RECORD_BYTES = 16 * 1024 * 1024;

/**
 * Rebuilds one record from the events whose target it is, given one after the other. Holds the record
 * and nothing of the events, however many there are.
 */
export class Rebuilding {
  /** What is known; `undefined` where there is no record. */
  record: Node | undefined;
  existence: Existence = 'unknown';
  /** Events that were taken in. */
  events = 0;
  /** Gaps since the record was last told as a whole, and how many there are of them. */
  gaps: Gap[] = [];
  gapCount = 0;
  first: EventRef | undefined;
  last: EventRef | undefined;
  createdBy: EventRef | undefined;
  deletedBy: EventRef | undefined;
  name: string | undefined;
  /** From this event on, all of the record has been known. */
  wholeSince: Stamp | undefined;
  /** What was said before this event may have changed unseen. */
  #doubtedBefore = 0;
  /** Changes go unseen until the record is told as a whole again. */
  #blind = false;
  #bytes = 0;

  /** @throws LedgerlineError `RECORD_TOO_LARGE` */
  take(event: AuditEvent): void {
    this.events += 1;
    const since: Stamp = { event: refOf(event), at: this.events };
    this.first ??= since.event;
    this.last = since.event;
    this.name = event.target?.name ?? this.name;
    this.#takeChanges(event, since);
    const kind = leftOut(event);
    if (kind !== undefined) this.#gap({ kind, event: since.event }, true);
    this.#noteWhole(since);
  }

  /** Whether what this event said still holds, for all that the events tell. */
  isCertain({ at }: Stamp): boolean {
    return !this.#blind && at >= this.#doubtedBefore;
  }

  /** Changes go unseen from here on, until the record is told as a whole again. */
  get isBlind(): boolean {
    return this.#blind;
  }

  #takeChanges(event: AuditEvent, since: Stamp): void {
    if (hasFailed(event)) return;
    const [creates, deletes] = [isCreation(event), isDeletion(event)];
    const { changes, lost } = knownChanges(event, since);
    const edit = new RecordEdit(since);
    if (event.outcome === 'unknown') {
      const touches = creates || deletes || changes.length > 0 || lost !== undefined;
      if (!touches) return;
      this.#gap({ kind: 'outcome', event: since.event });
      this.record = edit.unknown('outcome');
      this.existence = creates || deletes ? 'unknown' : 'exists';
      return;
    }
    const existed = this.existence === 'exists';
    if (creates) this.#create(event, since, edit);
    else if (changes.length > 0 && this.existence === 'deleted') {
      this.#gap({ kind: 'contradicted', event: since.event });
      this.record = edit.unknown('contradicted');
    } else if (!existed) this.record = edit.unknown('beginning');
    this.existence = 'exists';
    this.deletedBy = undefined;
    for (const change of changes) {
      const whole = change.names.length === 0 && change.op !== 'remove';
      if (whole) this.#forgetDoubts(since);
      this.record = edit.apply(this.record, change);
    }
    if (lost !== undefined) this.record = edit.unknown(lost);
    if (edit.contradictions.length > 0) {
      const paths = edit.contradictions.slice(0, MAX_PATHS);
      this.#gap({ kind: 'contradicted', event: since.event, paths });
    } else if (event.operation === 'update' && (event.changes?.length ?? 0) === 0) {
      this.#gap({ kind: 'untold', event: since.event });
    }
    if (deletes) this.#delete(since);
    this.#measure(event);
  }

  #create(event: AuditEvent, since: Stamp, edit: RecordEdit): void {
    this.#forgetDoubts(since);
    this.createdBy = since.event;
    const told = (event.changes?.length ?? 0) > 0;
    // A creation's changes begin with nothing: what they do not add was not there.
    this.record = told ? { kind: 'value', value: {}, since } : edit.unknown('not_told');
  }

  #delete(since: Stamp): void {
    this.#forgetDoubts(since);
    this.record = undefined;
    this.existence = 'deleted';
    this.deletedBy = since.event;
  }

  #forgetDoubts({ at }: Stamp): void {
    this.gaps = [];
    this.gapCount = 0;
    this.#doubtedBefore = at;
    this.#blind = false;
    this.wholeSince = undefined;
  }

  #gap(gap: Gap, blind = false): void {
    this.gapCount += 1;
    if (this.gaps.length < MAX_GAPS) this.gaps.push(gap);
    this.#doubtedBefore = this.events;
    if (blind) this.#blind = true;
  }

  #noteWhole(since: Stamp): void {
    const told =
      this.existence === 'deleted' || (this.record !== undefined && isWhole(this.record));
    if (!told || this.gapCount > 0) this.wholeSince = undefined;
    else this.wholeSince ??= since;
  }

  /** Adds up what came, and measures what is there when that could be too much. */
  #measure({ changes = [] }: AuditEvent): void {
    for (const change of changes) this.#bytes += JSON.stringify(change)?.length ?? 0;
    if (this.#bytes <= MAX_RECORD_BYTES) return;
    this.#bytes = this.record === undefined ? 0 : JSON.stringify(jsonOf(this.record)).length;
    if (this.#bytes <= MAX_RECORD_BYTES / 2) return;
    throw new LedgerlineError(
      'RECORD_TOO_LARGE',
      `the record is larger than ${MAX_RECORD_BYTES / 2} bytes`,
      { hint: 'Read the target’s history, and apply its changes where there is room.' },
    );
  }
}

/** How answers name an event. */
export const refOf = ({ id, type, occurredAt, actor }: AuditEvent): EventRef => ({
  id,
  type,
  occurredAt: String(occurredAt),
  actor,
});
