import type { Logger } from '../logger.ts';
import type { CheckedSpool } from '../options.ts';
import type { OutboundMessage } from '../transport.ts';
import { Estate } from './estate.ts';
import { Holding } from './holding.ts';
import { thisProcess, type Owner } from './owner.ts';
import { SegmentReader, type ReadLimits } from './reader.ts';
import { RecordEncoder } from './record.ts';
import type { Segment, SpoolPlace } from './segment.ts';
import { claimSlot } from './slot.ts';
import { SegmentWriter } from './writer.ts';

const SEGMENT_BYTES = 8 * 1024 * 1024;
/** A segment of this size goes once it is settled, though there is room in it: what was sent is nobody's. */
const RECYCLE_BYTES = 256 * 1024;
const RETRY_AFTER_MS = 1_000;
const CURSOR_INTERVAL_MS = 200;
const BEAT_INTERVAL_MS = 10_000;

/** A record that was just appended. */
export interface Appended {
  readonly segment: Segment;
  readonly end: number;
}

/** A record that came back from disk. */
export interface Returned {
  readonly event: OutboundMessage;
  readonly category: string;
  readonly place: SpoolPlace;
  /** Another process wrote it, which may have sent it too. */
  readonly inherited: boolean;
}

/** Who hears of what happens to a spool by itself. */
interface SpoolListener {
  /** Something was taken over while it was running already. */
  inherited?(): void;
  /** What a file alone had is lost: it was deleted, or is damaged. */
  lost?(segment: Segment): void;
}

interface Writing {
  readonly holding: Holding;
  readonly writer: SegmentWriter;
}

/**
 * Encoded events on disk: this process's own, and those that dead ones left, which come first.
 * docs/producer.md describes the folder.
 */
export class Spool {
  readonly #options: CheckedSpool;
  readonly #logger: Logger;
  readonly #owner: Owner = thisProcess();
  readonly #estate: Estate;
  readonly #segmentBytes: number;
  readonly #encoder = new RecordEncoder();
  readonly #reader = new SegmentReader();
  /** Oldest first; this process's own is the last. */
  readonly #holdings: Holding[] = [];
  #own: Writing | undefined;
  #bytes = 0;
  #unreadBytes = 0;
  #error: Error | undefined;
  #retryAtMs = 0;
  #cursorTimer: NodeJS.Timeout | undefined;
  readonly #beating: NodeJS.Timeout;
  readonly #listener: SpoolListener;

  constructor(options: CheckedSpool, logger: Logger, listener: SpoolListener = {}) {
    this.#options = options;
    this.#logger = logger;
    this.#listener = listener;
    this.#estate = new Estate(options.directory, this.#owner, logger);
    this.#beating = setInterval(() => this.#beat(), BEAT_INTERVAL_MS).unref();
    this.#segmentBytes = Math.min(SEGMENT_BYTES, Math.floor(options.maxBytes / 8));
    this.#open();
  }

  /** Why it takes no records at the moment; undefined when it does. */
  get error(): Error | undefined {
    return this.#error;
  }

  /** On disk, settled records in files that are still needed included. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Some records are on disk only. */
  get hasBacklog(): boolean {
    return this.#unreadBytes > 0;
  }

  get isHalfFull(): boolean {
    return this.#bytes * 2 > this.#options.maxBytes;
  }

  /** Writes an event behind all others; undefined when disk or limit have no room for it. */
  append(event: OutboundMessage, category: string): Appended | undefined {
    const own = this.#own ?? this.#open();
    if (own === undefined) return undefined;
    const record = this.#encoder.encode(event, category);
    if (this.#bytes + record.length > this.#options.maxBytes) {
      this.#error = new Error(`the spool has its ${this.#options.maxBytes} bytes`);
      return undefined;
    }
    if (this.#retryAtMs > 0 && performance.now() < this.#retryAtMs) return undefined;
    try {
      const segment = own.writer.append(record, (begun) => {
        own.holding.segments.push(begun);
        this.#bytes += begun.size;
      });
      this.#bytes += record.length;
      this.#unreadBytes += record.length;
      this.#worked();
      return { segment, end: segment.size };
    } catch (error) {
      if (this.noticeDeleted()) return this.append(event, category);
      this.#failed(error as Error);
      return undefined;
    }
  }

  /** The next record that was on disk only is in memory as well. */
  taken({ segment, end }: Appended): SpoolPlace {
    this.#unreadBytes -= end - segment.readTo;
    return segment.taken(end);
  }

  /**
   * The oldest records that are on disk only. `admit` is called in the very turn in which they
   * count as being in memory, so that nothing that comes after can overtake them.
   */
  async read(limits: ReadLimits, admit: (returned: Returned) => void): Promise<void> {
    const found = this.#oldestUnread();
    if (found === undefined) return;
    const { holding, segment } = found;
    try {
      const { records, torn } = await this.#reader.read(segment, limits);
      // Lost, as was told meanwhile.
      if (segment.isDeleted) return;
      const { inherited } = holding;
      for (const { event, category, end } of records) {
        admit({ event, category, place: this.taken({ segment, end }), inherited });
      }
      if (torn) this.#cut(holding, segment);
    } catch (error) {
      this.noticeDeleted();
      if (segment.isDeleted) return;
      // What is written next must not end up where nobody reads.
      if (!segment.sealed) this.#seal();
      this.#unreadBytes -= segment.unreadBytes;
      segment.unreadable = true;
      this.#logger.error(
        { error, file: segment.path },
        'a file of the spool cannot be read; it stays there, and is tried at the next start',
      );
    }
  }

  /** The event is in the log, or given up. */
  settle(place: SpoolPlace): void {
    const { segment } = place;
    segment.settle(place);
    const holding = this.#holdings.find(({ segments }) => segments.includes(segment));
    if (holding === undefined) return;
    if (holding.inherited) this.#estate.settledOne();
    if (segment.isSettled && !segment.sealed && segment.size >= RECYCLE_BYTES) this.#seal();
    holding.moved();
    this.#cursorTimer ??= setTimeout(() => this.#writeCursors(), CURSOR_INTERVAL_MS).unref();
    if (segment.sealed && segment.isSettled) this.#tidy(holding);
  }

  /**
   * Looks whether somebody else deleted files: what memory has of them is sent from there, what it
   * has not is lost. Answers whether the folder that was written to is gone, so that a new one is due.
   */
  noticeDeleted(): boolean {
    const deleted = this.#holdings.flatMap((holding) => holding.forgetDeleted());
    const bytes = deleted.reduce((sum, { unreadBytes }) => sum + unreadBytes, 0);
    this.#unreadBytes -= bytes;
    for (const segment of deleted) {
      // What is written next must not end up where nobody reads.
      if (!segment.sealed) this.#seal();
      this.#bytes -= segment.size;
    }
    if (deleted.length > 0) {
      this.#logger.error(
        { files: deleted.length, bytes },
        'files of the spool were deleted by somebody else; what they alone had is lost',
      );
    }
    for (const holding of this.#holdings.filter(isInherited)) this.#tidy(holding);
    const own = this.#own?.holding.isDeleted === true ? this.#own : undefined;
    if (own !== undefined) this.#abandon(own);
    // Last of all: who hears it may have an event to say.
    for (const segment of deleted) this.#listener.lost?.(segment);
    return own !== undefined;
  }

  /** What is not settled stays, for whoever opens the folder next. */
  async close(): Promise<void> {
    clearTimeout(this.#cursorTimer);
    clearInterval(this.#beating);
    this.#writeCursors();
    await this.#reader.close();
    try {
      this.#own?.writer.close();
    } catch (error) {
      this.#failed(error as Error);
    }
    for (const holding of this.#holdings.splice(0)) holding.letGo();
    this.#own = undefined;
  }

  /** Takes over what dead processes left, and a slot of its own to write to. */
  #open(): Writing | undefined {
    if (this.#retryAtMs > 0 && performance.now() < this.#retryAtMs) return undefined;
    try {
      const { directory, fsync } = this.#options;
      this.#inherit();
      const slot = claimSlot(directory, this.#owner);
      const holding = new Holding(slot, false, this.#logger);
      this.#holdings.push(holding);
      const writer = new SegmentWriter({ slot, segmentBytes: this.#segmentBytes, fsync });
      this.#own = { holding, writer };
      this.#worked();
    } catch (error) {
      this.#failed(error as Error);
    }
    return this.#own;
  }

  /** What is inherited comes before all of this process's own. */
  #inherit(): void {
    for (const holding of this.#estate.takeOver()) {
      this.#holdings.splice(this.#holdings.findLastIndex(isInherited) + 1, 0, holding);
      this.#bytes += holding.bytes;
      this.#unreadBytes += holding.unreadBytes;
      this.#tidy(holding);
    }
  }

  #beat(): void {
    this.noticeDeleted();
    for (const holding of this.#holdings) holding.beat();
    if (!this.#estate.othersAreElsewhere) return;
    try {
      this.#inherit();
    } catch {
      // The folder cannot be read just now: the next beat tries again.
    }
    if (this.hasBacklog) this.#listener.inherited?.();
  }

  #oldestUnread(): { readonly holding: Holding; readonly segment: Segment } | undefined {
    for (const holding of this.#holdings) {
      const segment = holding.segments.find((each) => each.hasBacklog);
      if (segment !== undefined) return { holding, segment };
    }
    return undefined;
  }

  #cut(holding: Holding, segment: Segment): void {
    // What is written next must not stand behind a hole.
    if (!segment.sealed) this.#seal();
    const bytes = holding.cut(segment);
    this.#bytes -= bytes;
    this.#unreadBytes -= bytes;
    this.#tidy(holding);
    this.#listener.lost?.(segment);
  }

  /** Deletes what nobody needs any more. */
  #tidy(holding: Holding): void {
    for (const segment of holding.segments.filter((each) => each.sealed && each.isSettled)) {
      holding.remove(segment);
      this.#bytes -= segment.size;
      holding.moved();
    }
    if (!holding.inherited || holding.segments.length > 0) return;
    this.#holdings.splice(this.#holdings.indexOf(holding), 1);
    holding.letGo();
    if (!this.#holdings.some(isInherited)) this.#estate.isSent();
  }

  #seal(): void {
    try {
      this.#own?.writer.seal();
    } catch (error) {
      this.#failed(error as Error);
    }
  }

  /** Writes no longer where nobody would find it. */
  #abandon(own: Writing): void {
    try {
      own.writer.close();
    } catch {
      // What it would bring to the disk is nowhere any more.
    }
    this.#holdings.splice(this.#holdings.indexOf(own.holding), 1);
    own.holding.letGo();
    this.#own = undefined;
  }

  #writeCursors(): void {
    this.#cursorTimer = undefined;
    for (const holding of this.#holdings) holding.writeCursor();
  }

  #worked(): void {
    this.#error = undefined;
    this.#retryAtMs = 0;
  }

  #failed(error: Error): void {
    this.#error = error;
    this.#retryAtMs = performance.now() + RETRY_AFTER_MS;
  }
}

const isInherited = ({ inherited }: Holding): boolean => inherited;
