/** R-DLV-01 with a worker SIGKILLed at each step of the protocol, under load, beside one that lives. */
import { describe, expect, it } from 'vitest';
import type { BrokerProxy } from '../support/broker-proxy.ts';
import type { Gate } from '../support/gate.ts';
import { API, type KafkaRequest } from '../support/kafka-frames.ts';
import { FAULTLESS, type Judgement } from '../support/oracle.ts';
import { messages } from '../support/scene.ts';
import { useStage } from '../support/stage.ts';

const stage = useStage();

const declaresBatch = ({ body }: KafkaRequest): boolean => body.includes('"end"');

/** Where the worker is when it is killed: each resolves there, and holds it. */
const STEPS: Readonly<Record<string, (proxy: BrokerProxy, gate: Gate) => Promise<unknown>>> = {
  'before the intent': (proxy) => proxy.next(API.offsetCommit, 'swallow', { where: declaresBatch }),
  'after the intent, before it is answered': (proxy) =>
    proxy.next(API.offsetCommit, 'lose', { where: declaresBatch }),
  'after the intent': (_, gate) => gate.hold('before-insert'),
  'in the middle of the insert': (_, gate) => gate.hold('mid-insert'),
  'after the insert, before the commit': (_, gate) => gate.hold('after-insert'),
  'after the commit': (proxy) =>
    proxy.next(API.offsetCommit, 'lose', { where: (request) => !declaresBatch(request) }),
};

async function killAt(step: (typeof STEPS)[string]): Promise<Judgement> {
  const its = await stage.scene();
  const [gate, proxy] = [await stage.gateTo(its.place.clickhouseUrl), await stage.proxy()];
  const victim = its.worker({}, { clickhouseUrl: gate.url, brokers: [proxy.address] });
  await victim.logged('joined the group');
  const there = step(proxy, gate);
  // A burst, so that an insert has more than one piece; then thin traffic, so that batches end.
  await its.produce(messages(4_000));
  const load = its.load(100);
  const heir = its.worker();
  await there;
  victim.kill('SIGKILL');
  await victim.exited;
  await heir.logged('joined the group');
  await load.stop();
  const judgement = await its.judgeWhenCommitted();
  heir.kill('SIGKILL');
  return judgement;
}

describe('a worker is SIGKILLed under load, and another goes on (R-DLV-01)', () => {
  it('at every step of the protocol: each offset is stored once, as it was sent', async () => {
    // Each waits for a session to end, so several wait together.
    const steps = Object.entries(STEPS);
    for (let at = 0; at < steps.length; at += 2) {
      await Promise.all(
        steps.slice(at, at + 2).map(async ([name, step]) => {
          const judgement = await killAt(step);
          expect({ name, ...judgement }).toMatchObject({
            name,
            stored: judgement.produced,
            ...FAULTLESS,
          });
        }),
      );
    }
  }, 120_000);
});
