/** R-DLV-01 with the engine SIGKILLed in the middle of inserts, and started again. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { startEngine } from '../../local/engine.ts';
import { freePort } from '../../local/free-port.ts';
import { FAULTLESS, type Judgement } from '../support/oracle.ts';
import { messages, type Scene } from '../support/scene.ts';
import { useStage } from '../support/stage.ts';

const stage = useStage();

describe('the engine is SIGKILLed in the middle of inserts, again and again', () => {
  async function play(workerOf: (its: Scene, url: string) => unknown): Promise<Judgement> {
    const dataDir = mkdtempSync(join(tmpdir(), 'ledgerline-engine-'));
    stage.atEnd(() => rmSync(dataDir, { recursive: true, force: true }));
    const port = await freePort();
    let engine = await startEngine({ dataDir, port });
    stage.atEnd(() => engine.stop());
    const its = await stage.scene({ clickhouseUrl: engine.url });
    const gate = await stage.gateTo(engine.url);
    workerOf(its, gate.url);
    for (const delayMs of [0, 3, 8, 15, 30]) {
      const holding = gate.hold('before-insert');
      await its.produce(messages(4_000));
      const held = await holding;
      held.release();
      // Not a wait for something: the moment of the kill is what varies.
      await new Promise((resolve) => setTimeout(resolve, delayMs));
      engine.kill('SIGKILL');
      await engine.exited;
      engine = await startEngine({ dataDir, port });
    }
    return its.judgeWhenCommitted(90_000);
  }

  it('stores every offset once', { timeout: 150_000 }, async () => {
    const judgement = await play((its, url) => its.worker({}, { clickhouseUrl: url }));
    expect(judgement).toMatchObject({ produced: 20_000, stored: 20_000, ...FAULTLESS });
  });

  it(
    'control: a worker that takes errors for success loses rows',
    { timeout: 150_000 },
    async () => {
      const judgement = await play((its, url) =>
        its.sabotagedWorker('trusts-errors', {}, { clickhouseUrl: url }),
      );
      expect(judgement.missing.length).toBeGreaterThan(0);
    },
  );
});
