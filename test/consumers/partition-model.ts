/**
 * A partition's world in miniature: a log, a broker that fences commits, an engine that remembers
 * tokens, can be killed in the middle and takes its time, and owners that come, stall and go. It lets the pure state
 * machine be driven through orders of events that no real cluster would show in a lifetime.
 */
import type { Intent } from '../../consumers/intent.ts';
import {
  advance,
  type BatchFacts,
  intentOf,
  opening,
  type Outcome,
  type State,
} from '../../consumers/partition.ts';

export interface Message {
  /** `invalid`: our own rules refuse it; `odd`: only the engine does, until a migration changes its mind. */
  readonly kind: 'good' | 'invalid' | 'odd';
}

/** Ways to break the protocol on purpose, to see that the oracle notices. */
export type Sabotage =
  'none' | 'commit-first' | 'no-intent' | 'no-look' | 'no-trial' | 'no-wait' | 'own-token';

const TOPIC = '0c8d7f8e-0000-4000-8000-000000000001';

/** For how many moments after a commit the engine takes an insert, or ends one that it has begun. */
const LEASE = 30;

interface Insert {
  readonly into: Map<number, number>;
  readonly offsets: readonly number[];
  readonly token: string;
  readonly leaseEnds: number;
}

class Engine {
  now = 0;
  readonly ledger = new Map<number, number>();
  readonly quarantine = new Map<number, number>();
  readonly #tokens = new Set<string>();
  /** Whose senders have gone away, and which may still become visible. */
  #underWay: Insert[] = [];

  /** Its sender hears nothing of it for now. */
  begin(insert: Insert): void {
    this.#underWay.push(insert);
  }

  /** What has been under way for longest becomes visible, unless its lease is over. */
  land(): boolean {
    const insert = this.#underWay.shift();
    if (insert && this.now <= insert.leaseEnds) this.insert(insert, Infinity);
    return insert !== undefined;
  }

  /** Each table partition logs the token, then publishes its part; a kill may come between any two. */
  insert({ into, offsets, token }: Insert, killedAfter: number): boolean {
    let steps = 0;
    for (const tablePartition of [0, 1]) {
      const part = offsets.filter((offset) => offset % 2 === tablePartition);
      const key = `${token}#${tablePartition}`;
      if (part.length === 0 || this.#tokens.has(key)) continue;
      if (steps++ === killedAfter) return this.#killed();
      this.#tokens.add(key);
      if (steps++ === killedAfter) return this.#killed();
      for (const offset of part) into.set(offset, (into.get(offset) ?? 0) + 1);
    }
    return true;
  }

  #killed(): false {
    this.#underWay = [];
    return false;
  }
}

class Broker {
  generation = 0;
  committed = 0;
  intent: Intent | null = null;
  accusations = 0;

  commit(
    generation: number,
    offset: number,
    intent: Intent | null,
    { accusations }: State,
  ): boolean {
    if (generation !== this.generation) return false;
    this.committed = offset;
    this.intent = intent;
    this.accusations = accusations;
    return true;
  }
}

class Owner {
  state: State;
  dead = false;
  /** Until when its inserts are taken. */
  #leaseEnds = 0;
  /** Until when what others have sent may land, or what ended unclearly. */
  #othersEnd = 0;
  #from: number;
  readonly generation: number;
  readonly #world: World;

  constructor(world: World) {
    this.#world = world;
    this.generation = ++world.broker.generation;
    this.#from = world.broker.committed;
    const intent = world.sabotage === 'no-intent' ? null : world.broker.intent;
    this.#othersEnd = world.engine.now + LEASE;
    this.state = opening(TOPIC, intent, world.broker.accusations);
  }

  /** Does one thing, in the way that `fate` says: mostly it just works. */
  step(fate: number): void {
    if (this.dead || this.state.at === 'halted') return;
    const outcome = this.#perform(this.state, fate);
    if (outcome === 'nothing') return;
    if (outcome === 'fenced') this.dead = true;
    else this.state = advance(this.state, outcome);
  }

  #perform(state: State, fate: number): Outcome | 'nothing' | 'fenced' {
    const { broker, engine, sabotage } = this.#world;
    switch (state.at) {
      case 'opening': {
        const known = [...engine.ledger.keys(), ...engine.quarantine.keys()];
        return { kind: 'high-water', offset: Math.max(-1, ...known) };
      }
      case 'collecting': {
        const last = state.intent
          ? state.intent.last
          : Math.min(this.#from + (fate % 5), this.#world.log.length - 1);
        if (last < this.#from) return 'nothing';
        const batch = this.#world.facts(this.#from, last);
        this.#from = last + 1;
        if (sabotage === 'commit-first')
          broker.commit(this.generation, batch.last + 1, null, state);
        return { kind: 'batch', batch };
      }
      case 'declaring': {
        return this.#declare(state, state.work.batch) ? { kind: 'committed' } : 'fenced';
      }
      case 'looking': {
        const settled = (offset: number): boolean =>
          engine.ledger.has(offset) || engine.quarantine.has(offset);
        const wanted = this.#good(state.work.batch);
        const offsets = sabotage === 'no-look' ? [] : wanted.filter((offset) => !settled(offset));
        return { kind: 'missing', offsets };
      }
      case 'inserting': {
        if (!this.#renewLease(state)) return 'fenced';
        const { batch, missing, level, accused } = state.work;
        const wanted = missing === 'all' ? this.#good(batch) : [...missing];
        const offsets = accused === undefined ? wanted : [accused];
        // Too many table partitions, say: nobody takes the whole of it.
        if (fate === 7 && batch.last > batch.first) {
          return { kind: 'narrowed', batch: this.#front(batch) };
        }
        // Cut on its way, so that the engine blames a row in which nothing is wrong.
        if (fate === 8 && offsets.length > 1) {
          return { kind: 'refused', refusal: { offset: offsets.at(-1), error: 'cut' } };
        }
        const refused = offsets.find((offset) => this.#world.refuses(offset));
        if (fate === 1) return { kind: 'lease-over' };
        if (refused !== undefined)
          return { kind: 'refused', refusal: { offset: refused, error: 'refused' } };
        // The token carries no generation: a zombie that sleeps through its session repeats it.
        const alone = sabotage === 'own-token' && accused !== undefined;
        const token = `${batch.first}-${batch.last}/${batch.hash}/${alone ? `a${accused}` : level}`;
        return this.#insert(engine.ledger, offsets, token, fate)
          ? { kind: 'inserted', written: offsets.length, expected: offsets.length }
          : { kind: 'unsure' };
      }
      case 'judging': {
        const { batch, missing, accused } = state.work;
        const wanted = missing === 'all' ? this.#good(batch) : missing;
        const offsets = accused === undefined ? wanted : [accused];
        const bad = offsets.filter((offset) => this.#world.log[offset]?.kind === 'invalid');
        // Sometimes the bad offsets would not fit beside the committed one: the batch is cut shorter.
        if (fate > 12 && batch.last > batch.first) {
          const shorter = this.#front(batch);
          return {
            kind: 'judged',
            batch: shorter,
            bad: bad.filter((offset) => offset <= shorter.last),
            mended: 0,
          };
        }
        const blamed = state.refusal.offset;
        if (sabotage === 'no-trial' && bad.length === 0 && blamed !== undefined) {
          return { kind: 'judged', batch, bad: [blamed], mended: 0 };
        }
        return { kind: 'judged', batch, bad, mended: 0 };
      }
      case 'outlasting':
        return sabotage === 'no-wait' || engine.now > this.#othersEnd
          ? { kind: 'outlasted' }
          : 'nothing';
      case 'quarantine-looking':
        return {
          kind: 'missing',
          offsets: state.work.batch.bad.filter((offset) => !engine.quarantine.has(offset)),
        };
      case 'quarantining': {
        if (!this.#renewLease(state)) return 'fenced';
        const { batch, missing, level } = state.work;
        const offsets = missing === 'all' ? batch.bad : missing;
        const token = `${batch.first}-${batch.last}/${batch.hash}/q${level}`;
        return this.#insert(engine.quarantine, offsets, token, fate)
          ? { kind: 'quarantined' }
          : { kind: 'unsure' };
      }
      case 'finishing': {
        const { batch } = state.work;
        const last = Math.min(this.#from + (fate % 4), this.#world.log.length - 1);
        const next =
          fate % 2 === 0 && last >= this.#from && sabotage === 'none'
            ? this.#world.facts(this.#from, last)
            : null;
        if (next) this.#from = next.last + 1;
        const intent = next && intentOf(state.topicId, next);
        return this.#commit(batch.last + 1, intent, state) ? { kind: 'finished', next } : 'fenced';
      }
      case 'halted':
        return 'nothing';
    }
  }

  #declare(state: State, batch: BatchFacts): boolean {
    const { sabotage } = this.#world;
    const intent = intentOf(state.topicId, batch);
    const hidden = sabotage === 'no-intent' || sabotage === 'commit-first' ? null : intent;
    const at = sabotage === 'commit-first' ? batch.last + 1 : batch.first;
    return this.#commit(at, hidden, state);
  }

  #commit(offset: number, intent: Intent | null, state: State): boolean {
    this.#leaseEnds = this.#world.engine.now + LEASE;
    return this.#world.broker.commit(this.generation, offset, intent, state);
  }

  /** Whether the partition is still its own, where its lease is over. */
  #renewLease(state: State & { at: 'inserting' | 'quarantining' }): boolean {
    if (this.#world.engine.now <= this.#leaseEnds) return true;
    return this.#declare(state, state.work.batch);
  }

  /** Whether it is known to have gone well. */
  #insert(
    into: Map<number, number>,
    offsets: readonly number[],
    token: string,
    fate: number,
  ): boolean {
    const { engine } = this.#world;
    const insert: Insert = { into, offsets, token, leaseEnds: this.#leaseEnds };
    if (fate === 9 || fate === 10) {
      engine.begin(insert);
      this.#othersEnd = Math.max(this.#othersEnd, this.#leaseEnds);
      return false;
    }
    const done = engine.insert(insert, fate >= 2 && fate <= 5 ? fate - 2 : Infinity);
    // 6: all was stored and the answer was lost.
    return done && fate !== 6;
  }

  /** The front half of a batch; the rest is read again. */
  #front(batch: BatchFacts): BatchFacts {
    const last = batch.first + Math.floor((batch.last - batch.first) / 2);
    this.#from = last + 1;
    return this.#world.facts(batch.first, last);
  }

  #good(batch: BatchFacts): number[] {
    const offsets: number[] = [];
    for (let offset = batch.first; offset <= batch.last; offset++) {
      if (!batch.bad.includes(offset)) offsets.push(offset);
    }
    return offsets;
  }
}

/** One step of a schedule. */
export interface Choice {
  readonly who: number;
  readonly fate: number;
  readonly takeover: boolean;
  readonly lands: boolean;
}

export class World {
  readonly engine = new Engine();
  readonly broker = new Broker();
  readonly log: readonly Message[];
  readonly sabotage: Sabotage;
  /** The last is the one that owns the partition; those before it are zombies. */
  readonly owners: Owner[] = [];

  constructor(log: readonly Message[], sabotage: Sabotage) {
    this.log = log;
    this.sabotage = sabotage;
    this.takeover();
  }

  facts(first: number, last: number): BatchFacts {
    return { first, last, rows: last - first + 1, hash: `h${first}-${last}`, bad: [] };
  }

  /** Every other owner finds an engine that takes odd messages. */
  refuses(offset: number): boolean {
    const kind = this.log[offset]?.kind;
    return kind === 'invalid' || (kind === 'odd' && this.owners.length % 2 === 1);
  }

  /** A new owner; the old one lives on and does not know. */
  takeover(): void {
    this.owners.push(new Owner(this));
  }

  /** One step of the schedule: who moves, and how it goes. */
  step(choice: Choice): void {
    this.engine.now++;
    if (choice.lands) this.engine.land();
    if (choice.takeover) this.takeover();
    const living = this.owners.filter((owner) => !owner.dead).slice(-3);
    living[choice.who % living.length]?.step(choice.fate);
  }

  /** No more faults: the last owner finishes. Bounded, because a machine that never ends is a fault too. */
  finish(): void {
    this.takeover();
    for (let step = 0; step < 2_000 && this.broker.committed < this.log.length; step++) {
      this.engine.now++;
      this.owners.at(-1)?.step(0);
    }
    // What has a lease until then may land last of all.
    while (this.engine.land());
  }

  /** What is wrong, in words; empty when every offset is accounted for exactly once. */
  faults(): string[] {
    const faults: string[] = [];
    const last = this.owners.at(-1)?.state;
    if (last?.at === 'halted') faults.push(`halted: ${last.halt.code}`);
    if (this.broker.committed < this.log.length)
      faults.push(`stuck at ${this.broker.committed}, ${last?.at}`);
    for (const [offset, { kind }] of this.log.entries()) {
      const stored = this.engine.ledger.get(offset) ?? 0;
      const quarantined = this.engine.quarantine.get(offset) ?? 0;
      const wanted = kind === 'good' ? 'ledger' : 'quarantine';
      if (stored + quarantined === 0) faults.push(`${offset} missing`);
      else if (stored + quarantined > 1) faults.push(`${offset} doubled`);
      else if (kind !== 'odd' && (stored === 1) !== (wanted === 'ledger'))
        faults.push(`${offset} not in the ${wanted}`);
    }
    return faults;
  }
}
