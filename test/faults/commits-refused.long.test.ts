/** R-DLV-01 with a coordinator that refuses, delays or loses what workers commit, through a real proxy. */
import { describe, expect, it, vi } from 'vitest';
import type { BrokerProxy, Treatment } from '../support/broker-proxy.ts';
import {
  API,
  commitRefused,
  ERROR,
  heartbeatRefused,
  noCoordinator,
} from '../support/kafka-frames.ts';
import { FAULTLESS, type Judgement } from '../support/oracle.ts';
import { useStage } from '../support/stage.ts';

const stage = useStage();

vi.setConfig({ testTimeout: 120_000 });

/** Two workers under load, the first behind the proxy, which does this to it in turn. */
async function play(...faults: ((proxy: BrokerProxy) => Promise<unknown>)[]): Promise<Judgement> {
  const its = await stage.scene();
  const proxy = await stage.proxy();
  // One after the other: two cores carry both, and each has five seconds to find its parts.
  await its.worker({}, { brokers: [proxy.address] }).logged('joined the group');
  await its.worker().logged('joined the group');
  const load = its.load(200);
  for (const fault of faults) await fault(proxy);
  await load.stop();
  return its.judgeWhenCommitted();
}

const commits = (treatment: Treatment) => (proxy: BrokerProxy) =>
  proxy.next(API.offsetCommit, treatment, { times: 3 });

describe('commits', () => {
  it('are refused by every error of a coordinator, whether they were made or not', async () => {
    const errors = Object.values(ERROR);
    const judgement = await play(
      ...errors.map((error) => commits({ instead: commitRefused(error) })),
      ...errors.map((error) => commits({ afterwards: commitRefused(error) })),
    );
    expect(judgement).toMatchObject({ ...FAULTLESS, stored: judgement.produced });
  });

  it('are cut in the middle of their answer, never answered, or late', async () => {
    const judgement = await play(
      commits('cut'),
      (proxy) => proxy.next(API.offsetCommit, { delayMs: 1_500 }, { times: 6 }),
      (proxy) => proxy.next(API.fetch, 'cut', { times: 3 }),
      (proxy) => proxy.next(API.heartbeat, 'cut'),
    );
    expect(judgement).toMatchObject({ ...FAULTLESS, stored: judgement.produced });
  });
});

describe('the coordinator', () => {
  it('is not available, forgets its member, and comes back', async () => {
    const judgement = await play(
      (proxy) =>
        proxy.next(
          API.heartbeat,
          { instead: heartbeatRefused(ERROR.notCoordinator) },
          { times: 2 },
        ),
      async (proxy) => {
        const lost = proxy.next(API.findCoordinator, { instead: noCoordinator }, { times: 2 });
        proxy.cut();
        await lost;
      },
      (proxy) => proxy.next(API.heartbeat, { instead: heartbeatRefused(ERROR.unknownMember) }),
      (proxy) =>
        proxy.next(API.heartbeat, { instead: heartbeatRefused(ERROR.rebalanceInProgress) }),
    );
    expect(judgement).toMatchObject({ ...FAULTLESS, stored: judgement.produced });
  });
});
