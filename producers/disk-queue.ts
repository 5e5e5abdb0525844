import { LedgerlineError } from '../schemas/index.ts';
import { Episode } from './episode.ts';
import type { Logger } from './logger.ts';
import type { CheckedSpool } from './options.ts';
import { Outbound, type DeliveryListener, type Handling, type Placement } from './outbound.ts';
import type { BufferBounds } from './buffer.ts';
import type { Sender } from './sender.ts';
import type { Segment, SpoolPlace } from './spool/segment.ts';
import { Spool, type Appended, type Returned } from './spool/spool.ts';

/** So much comes back into memory at once. */
const CHUNK_BYTES = 256 * 1024;

/** Who counts events that come back from disk, whose emitters have gone on. */
export interface DiskListeners {
  /** Of this ledger. */
  own(category: string): DeliveryListener;
  /** Of an earlier process: called once for each. */
  inherited(category: string): DeliveryListener;
}

/** An event that is on disk only, and whose emitter waits. */
interface Awaited {
  readonly listener: DeliveryListener;
  readonly category: string;
  readonly segment: Segment;
}

interface DiskQueueOptions {
  readonly spool: CheckedSpool;
  readonly bounds: BufferBounds;
  readonly sender: Sender;
  readonly listeners: DiskListeners;
  readonly logger: Logger;
}

/**
 * Joins the spool to the sender. What goes to disk is in memory as well while there is room, and is
 * sent from there. Once something is on disk only, everything that comes after goes behind it, so
 * that nothing overtakes; it comes back into memory as that empties, to half of its bounds.
 */
export class DiskQueue {
  readonly #spool: Spool;
  readonly #sender: Sender;
  readonly #listeners: DiskListeners;
  readonly #bounds: BufferBounds;
  /** Of events that are on disk only, and somebody waits for, by segment and place. */
  readonly #awaited = new Map<string, Awaited>();
  readonly #refusing: Episode;
  readonly #waiting: Episode;
  #ownOnDiskOnly = 0;
  #lost = 0;
  #keptInherited = false;
  #refilling: Promise<void> | undefined;
  #stopped = false;

  constructor({ spool, bounds, sender, listeners, logger }: DiskQueueOptions) {
    this.#sender = sender;
    this.#listeners = listeners;
    this.#bounds = bounds;
    this.#spool = new Spool(spool, logger, {
      inherited: () => this.refill(),
      lost: (segment) => this.#lose(segment),
    });
    this.#refusing = new Episode({
      begins: () =>
        logger.error(
          { error: this.#spool.error, bytes: this.#spool.bytes },
          'the spool takes no events; they wait in memory, as long as there is room',
        ),
      over: (events, lastedMs) => logger.warn({ events, lastedMs }, 'the spool takes events again'),
    });
    this.#waiting = new Episode({
      begins: () =>
        logger.warn({ events: sender.buffer.events }, 'the buffer is full: events wait on disk'),
      over: (events, lastedMs) =>
        logger.info({ events, lastedMs }, 'no events wait on disk any more'),
    });
    this.refill();
  }

  get error(): Error | undefined {
    return this.#spool.error;
  }

  get bytes(): number {
    return this.#spool.bytes;
  }

  offer(outbound: Outbound, handling: Handling): Placement {
    outbound.handling = handling;
    const inOrder = !this.#spool.hasBacklog;
    const inMemory = handling.durability === 'memory';
    if (inMemory && inOrder && this.#sender.offer(outbound)) return 'accepted';
    if (inMemory && handling.onFailure === 'drop' && !this.#hasRoomBehind(outbound)) {
      return 'queue_full';
    }
    const appended = this.#spool.append(outbound, handling.category);
    if (appended === undefined) {
      this.#refusing.met();
      // It can still be delivered; what it cannot is be promised.
      return !inMemory && inOrder && this.#sender.offer(outbound) ? 'accepted' : 'spool_full';
    }
    this.#refusing.over();
    if (inOrder && this.#sender.hasRoomFor(outbound.bytes)) {
      outbound.place = this.#spool.taken(appended);
      this.#sender.take(outbound);
    } else {
      this.#leaveOnDisk(outbound, handling.category, appended, inOrder && !this.#stopped);
    }
    return 'spooled';
  }

  /** Their ends are known. */
  settled(batch: readonly Outbound[]): void {
    for (const { place } of batch) if (place !== undefined) this.#spool.settle(place);
    this.refill();
  }

  /** Brings back into memory what is on disk only, as far as there is room. */
  refill(): void {
    const { buffer } = this.#sender;
    if (this.#refilling !== undefined || this.#stopped) return;
    if (!this.#spool.hasBacklog || !buffer.isRelaxed) return;
    const events = Math.floor(this.#bounds.maxEvents / 2) - buffer.events;
    const bytes = Math.floor(this.#bounds.maxBytes / 2) - buffer.bytes;
    const limits = { events, bytes: Math.min(CHUNK_BYTES, bytes) };
    this.#refilling = this.#spool
      .read(limits, (returned) => this.#admit(returned))
      .then(() => {
        this.#refilling = undefined;
        this.#sender.urge();
        if (!this.#spool.hasBacklog) this.#waiting.over();
        this.refill();
      });
  }

  /** Resolves when nothing waits any more, in memory or on disk. */
  async drained(): Promise<void> {
    do {
      this.refill();
      await this.#refilling;
      await this.#sender.flushed();
    } while (this.#spool.hasBacklog && !this.#stopped);
  }

  /** Nothing comes back into memory any more. */
  stop(): void {
    this.#stopped = true;
  }

  /**
   * What memory still held when the sender stopped: on disk already, or written there now where its
   * category says so. Answers those that are nowhere.
   */
  keep(left: readonly Outbound[]): Outbound[] {
    this.#spool.noticeDeleted();
    const lost = left.filter((outbound) => !this.#keeps(outbound));
    for (const { listener } of this.#awaited.values()) listener.postponed?.();
    this.#awaited.clear();
    return lost;
  }

  /** How many of this ledger's events are lost with the files that alone had them. */
  get lost(): number {
    return this.#lost;
  }

  /** How many of this ledger's events are on disk, and not in memory. */
  get onDiskOnly(): number {
    return this.#ownOnDiskOnly;
  }

  /** Something waits on disk alone; how much an earlier process left is known once it is read. */
  get hasBacklog(): boolean {
    return this.#ownOnDiskOnly > 0 || this.#keptInherited || this.#spool.hasBacklog;
  }

  close(): Promise<void> {
    return this.#spool.close();
  }

  /** An event that may be dropped never takes the half of the spool that others may need. */
  #hasRoomBehind({ bytes }: Outbound): boolean {
    const { hasBacklog, isHalfFull } = this.#spool;
    return hasBacklog && !isHalfFull && this.#sender.hasRoomFor(bytes);
  }

  #leaveOnDisk(
    { listener }: Outbound,
    category: string,
    appended: Appended,
    memoryIsFull: boolean,
  ): void {
    this.#ownOnDiskOnly += 1;
    add(appended.segment.onlyHere, category, 1);
    // Behind what was inherited, or as last words, events wait on disk in the best of states.
    if (memoryIsFull || this.#waiting.lasts) this.#waiting.met();
    if (listener.onGivingUp !== undefined) {
      const at = nameOf(appended);
      this.#awaited.set(at, { listener, category, segment: appended.segment });
      listener.onGivingUp(() => this.#awaited.delete(at));
    }
    this.refill();
  }

  #admit({ event, category, place, inherited }: Returned): void {
    if (this.#stopped) return;
    const { id, key, value, mayRepeat } = event;
    const listener = inherited
      ? this.#listeners.inherited(category)
      : this.#claimed(place, category);
    if (!inherited) {
      this.#ownOnDiskOnly -= 1;
      add(place.segment.onlyHere, category, -1);
    }
    const outbound = new Outbound(id, key, value, mayRepeat || inherited, listener);
    outbound.place = place;
    outbound.isInherited = inherited;
    // What came from disk may go back there.
    outbound.handling = { category, durability: 'disk', onFailure: 'spool' };
    this.#sender.take(outbound);
  }

  #claimed(place: SpoolPlace, category: string): DeliveryListener {
    const at = nameOf(place);
    const awaited = this.#awaited.get(at);
    this.#awaited.delete(at);
    return awaited?.listener ?? this.#listeners.own(category);
  }

  /** What the file alone had is given up. */
  #lose(segment: Segment): void {
    const error = lostWith(segment);
    for (const [at, { listener, category, segment: itsOwn }] of this.#awaited) {
      if (itsOwn !== segment) continue;
      this.#awaited.delete(at);
      add(segment.onlyHere, category, -1);
      this.#count(1);
      listener.lost('abandoned', error);
    }
    for (const [category, events] of segment.onlyHere) {
      const listener = this.#listeners.own(category);
      this.#count(events);
      for (let n = 0; n < events; n += 1) listener.lost('abandoned', error);
    }
    if (!this.#spool.hasBacklog) this.#waiting.over();
  }

  #count(lost: number): void {
    this.#lost += lost;
    this.#ownOnDiskOnly -= lost;
  }

  #keeps(outbound: Outbound): boolean {
    const { place, handling, isInherited, listener } = outbound;
    if (place === undefined || place.segment.isDeleted) {
      if (handling === undefined) return false;
      if (handling.durability === 'memory' && handling.onFailure === 'drop') return false;
      // It may have been sent: whoever reads it back has to say so.
      outbound.mayRepeat = true;
      if (this.#spool.append(outbound, handling.category) === undefined) return false;
    }
    if (isInherited) this.#keptInherited = true;
    else this.#ownOnDiskOnly += 1;
    listener.postponed?.();
    return true;
  }
}

const nameOf = ({ segment, end }: Appended): string => `${segment.path} ${end}`;

const add = (counts: Map<string, number>, category: string, more: number): void =>
  void counts.set(category, (counts.get(category) ?? 0) + more);

const lostWith = ({ path, isDeleted }: Segment): LedgerlineError =>
  new LedgerlineError(
    'SPOOL_LOST',
    `The spool's file ${path} ${isDeleted ? 'was deleted by somebody else' : 'is damaged'}.`,
    { hint: 'What it alone had is lost. Give spool.directory a sound disk that nobody cleans up.' },
  );
