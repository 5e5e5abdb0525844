import { expect, onTestFinished, test } from 'vitest';
import { createLedger, security } from '../../../producers/index.ts';
import { memoryTransport } from '../../../producers/testing.ts';
import { lineLogger } from '../catalog.ts';
import { newFolder } from './folder.ts';

test('R-EDGE-08: however long an id, what is said to be spooled is delivered', async () => {
  const transport = memoryTransport();
  transport.fail();
  const ledger = createLedger({
    service: 'panel',
    catalog: [security],
    transport,
    logger: lineLogger(),
    actor: { type: 'user', id: 'u_1' },
    spool: { directory: newFolder() },
    buffer: { maxEvents: 1 },
  });
  onTestFinished(() => ledger.close({ timeoutMs: 100 }).then(() => undefined));
  const statuses = [10, 70_000, 190_000, 1_200_000, 10].map((length) => {
    const target = { id: '界'.repeat(length) };
    return ledger.emit('security.account.unlocked', { target, reason: 'asked' }).status;
  });
  expect(statuses).toEqual(['spooled', 'spooled', 'spooled', 'rejected', 'spooled']);
  transport.recover();
  expect(await ledger.close()).toMatchObject({ complete: true, left: 0 });
  expect(ledger.stats()).toMatchObject({ stored: 4, lastSeq: 4, rejected: { invalid: 1 } });
});
