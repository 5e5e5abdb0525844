/** Commits of several partitions in one request: who goes along, who does not, and who hears what. */
import { describe, expect, it } from 'vitest';
import { JointCommits } from '../../consumers/joint-commits.ts';

/** A coordinator whose answers are given by hand, in the order of the requests. */
function coordinator() {
  const requests: { session: string; commits: number[] }[] = [];
  const answers: { resolve: () => void; reject: (error: Error) => void }[] = [];
  const joint = new JointCommits<string, number>(async (session, take) => {
    await Promise.resolve();
    requests.push({ session, commits: take() });
    await new Promise<void>((resolve, reject) => void answers.push({ resolve, reject }));
  });
  const commit = (session: string, partition: number, check: () => void = () => undefined) =>
    joint.commit(session, partition, check).then(
      () => 'committed',
      (error: unknown) => (error as Error).message,
    );
  const sent = async (count: number): Promise<void> => {
    while (requests.length < count) await new Promise(setImmediate);
  };
  return { requests, answers, commit, sent };
}

describe('joint commits (R-DLV-01)', () => {
  it('send what becomes due while a request is on its way together in the next', async () => {
    const { requests, answers, commit, sent } = coordinator();
    const first = commit('a', 0);
    await sent(1);
    const others = [commit('a', 1), commit('a', 2), commit('a', 3)];
    answers[0]?.resolve();
    await sent(2);
    answers[1]?.resolve();
    expect(await Promise.all([first, ...others])).toEqual(Array(4).fill('committed'));
    expect(requests.map(({ commits }) => commits)).toEqual([[0], [1, 2, 3]]);
  });

  it('never mix sessions, which a request names one of', async () => {
    const { requests, answers, commit, sent } = coordinator();
    const all = [commit('a', 0), commit('b', 1), commit('a', 2)];
    await sent(1);
    answers[0]?.resolve();
    await sent(2);
    answers[1]?.resolve();
    expect(await Promise.all(all)).toEqual(Array(3).fill('committed'));
    expect(requests).toEqual([
      { session: 'a', commits: [0, 2] },
      { session: 'b', commits: [1] },
    ]);
  });

  it('leave behind whose session has ended while they waited, and tell it so', async () => {
    const { requests, answers, commit, sent } = coordinator();
    const first = commit('a', 0);
    await sent(1);
    let over = false;
    const ended = commit('a', 1, () => {
      if (over) throw new Error('over');
    });
    const other = commit('a', 2);
    over = true;
    answers[0]?.resolve();
    await sent(2);
    answers[1]?.resolve();
    expect(await Promise.all([first, ended, other])).toEqual(['committed', 'over', 'committed']);
    expect(requests.map(({ commits }) => commits)).toEqual([[0], [2]]);
  });

  it('tell all of a refused request of the refusal, and none of the next', async () => {
    const { answers, commit, sent } = coordinator();
    const refused = [commit('a', 0), commit('a', 1)];
    await sent(1);
    const next = commit('a', 2);
    answers[0]?.reject(new Error('ILLEGAL_GENERATION'));
    await sent(2);
    answers[1]?.resolve();
    expect(await Promise.all(refused)).toEqual(Array(2).fill('ILLEGAL_GENERATION'));
    expect(await next).toBe('committed');
  });

  it('fail at once where there is no coordinator to send them to, and go on with the next', async () => {
    let gone = true;
    const sent: number[] = [];
    const joint = new JointCommits<string, number>((_, take) => {
      if (gone) return Promise.reject(new Error('no coordinator'));
      sent.push(...take());
      return Promise.resolve();
    });
    const attempt = (partition: number) => joint.commit('a', partition, () => undefined);
    await expect(attempt(0)).rejects.toThrow('no coordinator');
    gone = false;
    await attempt(1);
    expect(sent).toEqual([1]);
  });
});
