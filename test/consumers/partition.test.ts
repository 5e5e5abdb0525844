import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  advance,
  MAX_HEALINGS,
  opening,
  type Outcome,
  type State,
} from '../../consumers/partition.ts';
import { type Choice, type Message, type Sabotage, World } from './partition-model.ts';

const messages = fc.array(
  fc.record({
    kind: fc.constantFrom<Message['kind']>('good', 'good', 'good', 'good', 'invalid', 'odd'),
  }),
  { minLength: 1, maxLength: 24 },
);
const schedule = fc.array(
  fc.record({
    who: fc.nat(2),
    fate: fc.nat(15),
    takeover: fc.integer({ min: 0, max: 14 }).map((n) => n === 0),
    lands: fc.integer({ min: 0, max: 4 }).map((n) => n === 0),
  }),
  { maxLength: 120 },
);

function run(log: readonly Message[], steps: readonly Choice[], sabotage: Sabotage): string[] {
  const world = new World(log, sabotage);
  for (const step of steps) world.step(step);
  world.finish();
  return world.faults();
}

describe('the state machine of a partition (R-DLV-01)', () => {
  it('accounts for every offset exactly once, whatever is killed, stalls or answers late', () => {
    fc.assert(
      fc.property(messages, schedule, (log, steps) => {
        expect(run(log, steps, 'none')).toEqual([]);
      }),
      { numRuns: 5_000 },
    );
  });

  it.each(['commit-first', 'no-intent', 'no-look', 'no-trial', 'no-wait', 'own-token'] as const)(
    'control: with the protocol broken (%s) the same oracle objects',
    (sabotage) => {
      const found = fc.check(
        fc.property(messages, schedule, (log, steps) => run(log, steps, sabotage).length === 0),
        { numRuns: 20_000 },
      );
      expect(found.failed).toBe(true);
    },
  );
});

const facts = { first: 10, last: 19, rows: 10, hash: 'h', bad: [] };
const inserting = (): State => {
  let state = opening('t', null);
  state = advance(state, { kind: 'high-water', offset: 9 });
  state = advance(state, { kind: 'batch', batch: facts });
  return advance(state, { kind: 'committed' });
};

describe('single steps', () => {
  it('does not look before the first attempt above the high-water mark', () => {
    expect(inserting().at).toBe('inserting');
  });

  it('looks first at or under the high-water mark: offsets were reset', () => {
    let state = advance(opening('t', null), { kind: 'high-water', offset: 10 });
    state = advance(state, { kind: 'batch', batch: facts });
    expect(advance(state, { kind: 'committed' }).at).toBe('looking');
  });

  it('looks after an ambiguous end', () => {
    expect(advance(inserting(), { kind: 'unsure' }).at).toBe('looking');
  });

  it('looks when fewer rows were written than sent, and stops when more were', () => {
    expect(advance(inserting(), { kind: 'inserted', written: 9, expected: 10 }).at).toBe('looking');
    const tooMany = advance(inserting(), { kind: 'inserted', written: 11, expected: 10 });
    expect(tooMany).toMatchObject({ at: 'halted', halt: { code: 'WRITTEN_TOO_MANY' } });
  });

  it('stops when the intent cannot be rebuilt from Kafka', () => {
    const intent = { topicId: 't', ...facts };
    const state = advance(opening('t', intent), { kind: 'high-water', offset: -1 });
    const other = advance(state, { kind: 'batch', batch: { ...facts, hash: 'other' } });
    expect(other).toMatchObject({ at: 'halted', halt: { code: 'INTENT_MISMATCH' } });
  });

  it('stops when acknowledged rows vanish again and again', () => {
    let state = advance(inserting(), { kind: 'unsure' });
    for (let healing = 0; healing <= MAX_HEALINGS && state.at !== 'halted'; healing++) {
      state = advance(state, { kind: 'missing', offsets: [12] });
      state = advance(state, { kind: 'inserted', written: 1, expected: 1 });
    }
    expect(state).toMatchObject({ at: 'halted', halt: { code: 'ROWS_VANISH' } });
  });

  const refuse = (state: State, offset: number): State => {
    const judging = advance(state, { kind: 'refused', refusal: { offset, error: 'no' } });
    if (judging.at !== 'judging') throw new Error(judging.at);
    return advance(judging, { kind: 'judged', batch: judging.work.batch, bad: [], mended: 0 });
  };

  it('tries a row alone that only the engine blames, before it is believed to be bad', () => {
    const accused = refuse(inserting(), 12);
    expect(accused).toMatchObject({ at: 'inserting', work: { accused: 12, batch: { bad: [] } } });
    const innocent = advance(accused, { kind: 'inserted', written: 1, expected: 1 });
    expect(innocent).toMatchObject({ at: 'looking', work: { level: 0, batch: { bad: [] } } });
    expect(refuse(accused, 12)).toMatchObject({ at: 'declaring', work: { batch: { bad: [12] } } });
  });

  it('blames no row when what is wrong lies behind the cut', () => {
    const judging = advance(inserting(), { kind: 'refused', refusal: { offset: 18, error: 'no' } });
    const front = { ...facts, last: 14, rows: 5, hash: 'front' };
    const cut = advance(judging, { kind: 'judged', batch: front, bad: [], mended: 0 });
    expect(cut).toMatchObject({ at: 'declaring', highWater: 19, work: { batch: front } });
  });

  it('forgets the accusation when the trial’s end is unclear', () => {
    const unsure = advance(refuse(inserting(), 12), { kind: 'unsure' });
    expect(unsure).toMatchObject({ at: 'looking', work: { accused: undefined } });
  });

  describe('while an insert may still land', () => {
    const unsure = advance(advance(inserting(), { kind: 'unsure' }), {
      kind: 'missing',
      offsets: [12, 13],
    });

    it('repeats it at once: its token is the same', () => {
      expect(unsure).toMatchObject({ at: 'inserting', work: { level: 0, missing: [12, 13] } });
    });

    it('accuses nobody, but waits for the end of its lease and tries again', () => {
      let state = refuse(unsure, 12);
      expect(state).toMatchObject({ at: 'outlasting', accusations: 0 });
      state = advance(advance(state, { kind: 'outlasted' }), { kind: 'committed' });
      state = advance(state, { kind: 'missing', offsets: [12, 13] });
      expect(refuse(state, 12)).toMatchObject({ at: 'inserting', work: { accused: 12 } });
    });

    it('does not cut the batch in two before that, which would give it other tokens', () => {
      const front = { ...facts, last: 14, rows: 5, hash: 'front' };
      const state = advance(unsure, { kind: 'narrowed', batch: front });
      expect(state).toMatchObject({ at: 'outlasting', work: { batch: front } });
      expect(advance(state, { kind: 'outlasted' })).toMatchObject({ at: 'declaring' });
    });

    it('does not wait where our own rules see what is wrong', () => {
      const judging = advance(unsure, { kind: 'refused', refusal: { offset: 12, error: 'no' } });
      const judged = advance(judging, { kind: 'judged', batch: facts, bad: [12], mended: 0 });
      expect(judged).toMatchObject({ at: 'declaring', work: { batch: { bad: [12] } } });
    });
  });

  it('stops instead of quarantining the world when the engine refuses what is valid', () => {
    let state = advance(opening('t', null), { kind: 'high-water', offset: 9 });
    state = advance(state, { kind: 'batch', batch: { ...facts, last: 1_000, rows: 991 } });
    state = advance(state, { kind: 'committed' });
    for (let offset = 10; state.at === 'inserting' && offset < 500; offset++) {
      state = refuse(state, offset);
      if (state.at === 'inserting') state = refuse(state, offset);
      if (state.at === 'declaring') state = advance(state, { kind: 'committed' });
      if (state.at === 'looking') state = advance(state, { kind: 'missing', offsets: [900, 901] });
    }
    expect(state).toMatchObject({ at: 'halted', halt: { code: 'MASS_REFUSAL' } });
  });

  describe('batches of one row', () => {
    /** Stores or refuses one row after the other; every `restarts` rows another owner goes on. */
    function oneByOne(isRefused: (offset: number) => boolean, restarts = Infinity): State {
      let state = advance(opening('t', null), { kind: 'high-water', offset: 9 });
      for (let offset = 10; offset < 500; offset++) {
        const batch = { first: offset, last: offset, rows: 1, hash: 'h', bad: [] };
        state = advance(state, { kind: 'batch', batch });
        state = advance(state, { kind: 'committed' });
        if (isRefused(offset)) {
          state = refuse(state, offset);
          if (state.at === 'halted') return state;
          for (const outcome of refusedAlone) state = advance(state, outcome);
        } else state = advance(state, { kind: 'inserted', written: 1, expected: 1 });
        state = advance(state, { kind: 'finished', next: null });
        if (offset % restarts === 0) {
          state = advance(opening('t', null, state.accusations), { kind: 'high-water', offset });
        }
      }
      return state;
    }
    const refusedAlone: readonly Outcome[] = [
      { kind: 'committed' },
      { kind: 'inserted', written: 0, expected: 0 },
      { kind: 'missing', offsets: [] },
    ];

    it('stop as well when the engine refuses all of them', () => {
      expect(oneByOne(() => true)).toMatchObject({ highWater: 29, halt: { code: 'MASS_REFUSAL' } });
    });

    it('stop at the same row however often the owner changes', () => {
      expect(oneByOne(() => true, 3)).toMatchObject({
        highWater: 29,
        halt: { code: 'MASS_REFUSAL' },
      });
    });

    it('never stop while the engine takes a row now and then', () => {
      expect(oneByOne((offset) => offset % 20 !== 0)).toMatchObject({ at: 'collecting' });
    });
  });

  it('leaves a successor the count of what was refused before it', () => {
    const heir = (accusations: number): State => {
      let state = opening('t', { topicId: 't', ...facts }, accusations);
      state = advance(state, { kind: 'high-water', offset: 9 });
      state = advance(state, { kind: 'batch', batch: facts });
      state = advance(state, { kind: 'committed' });
      state = refuse(advance(state, { kind: 'missing', offsets: [11, 12, 13] }), 12);
      if (state.at === 'halted') return state;
      state = advance(advance(state, { kind: 'outlasted' }), { kind: 'committed' });
      return refuse(advance(state, { kind: 'missing', offsets: [11, 12, 13] }), 12);
    };
    expect(heir(19)).toMatchObject({ at: 'inserting', accusations: 20, work: { accused: 12 } });
    expect(heir(20)).toMatchObject({ at: 'halted', halt: { code: 'MASS_REFUSAL' } });
  });

  it('declares the front of a batch that is too large, and looks at the rest first', () => {
    const front = { ...facts, last: 14, rows: 5, hash: 'front' };
    let state = advance(inserting(), { kind: 'narrowed', batch: front });
    expect(state).toMatchObject({ at: 'declaring', highWater: 19, work: { batch: front } });
    state = advance(state, { kind: 'committed' });
    expect(state.at).toBe('looking');
  });

  it('stops at a wrong configuration wherever it is, and keeps the way out', () => {
    const wrong = { kind: 'misconfigured', error: 'no such table', hint: 'migrate' } as const;
    for (const state of [opening('t', null), inserting()]) {
      expect(advance(state, wrong)).toMatchObject({
        at: 'halted',
        halt: { code: 'CONFIGURATION', message: 'no such table', hint: 'migrate' },
      });
    }
  });

  it('commits past control records without declaring anything', () => {
    const state = advance(opening('t', null), { kind: 'high-water', offset: -1 });
    const empty = { first: 10, last: 11, rows: 0, hash: 'h', bad: [] };
    expect(advance(state, { kind: 'batch', batch: empty }).at).toBe('finishing');
  });
});
