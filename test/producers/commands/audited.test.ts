import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, onTestFinished, test } from 'vitest';
import { createLedger } from '../../../producers/index.ts';
import { memoryTransport } from '../../../producers/testing.ts';
import { actor, catalog, lineLogger } from '../catalog.ts';

function open() {
  const transport = memoryTransport();
  const ledger = createLedger({
    service: 'panel',
    catalog,
    transport,
    logger: lineLogger(),
    actor,
  });
  onTestFinished(() => ledger.close().then(() => undefined));
  const recorded = async () => {
    await ledger.flush();
    return transport.events();
  };
  return { ledger, recorded };
}

const describeApp = ({ args: [id] }: { readonly args: readonly [string] }) => ({ target: { id } });

describe('R-REC-01: an audited function', () => {
  test('answers as it did, at once where it did, and each call is recorded', async () => {
    const { ledger, recorded } = open();
    const made = { id: 'app_1' };
    const create = ledger.audited('app.created', (_id: string) => made, describeApp);
    expect(create('app_1')).toBe(made);
    expect(create).toHaveLength(1);
    expect(await recorded()).toMatchObject([{ outcome: 'success', target: { id: 'app_1' } }]);
  });

  test('throws what it threw; that is a failure', async () => {
    const { ledger, recorded } = open();
    const error = Object.assign(new Error('The disk is full.'), { code: 'ENOSPC' });
    const create = ledger.audited(
      'app.created',
      (_id: string) => {
        throw error;
      },
      describeApp,
    );
    expect(() => create('app_1')).toThrow(error);
    expect(await recorded()).toMatchObject([
      { outcome: 'failure', error: { code: 'ENOSPC', message: 'The disk is full.' } },
    ]);
  });

  test('rejects with what it rejected with, and is recorded when it is over', async () => {
    const { ledger, recorded } = open();
    const error = new TypeError('no');
    const create = ledger.audited(
      'app.created',
      async (id: string) => {
        await sleep(5);
        if (id === 'bad') throw error;
        return id;
      },
      ({ args: [id], result }) => ({ target: { id, name: result } }),
    );
    const pending = create('good');
    expect(ledger.stats().emitted).toBe(0);
    expect(await pending).toBe('good');
    expect(await create('bad').catch((caught: unknown) => caught)).toBe(error);
    expect(await recorded()).toMatchObject([
      { outcome: 'success', target: { id: 'good', name: 'good' } },
      { outcome: 'failure', error: { code: 'TypeError', message: 'no' } },
    ]);
  });

  test.each([
    ['denied: true', { denied: true }],
    ['status 403', { status: 403 }],
    ['statusCode 401', { statusCode: 401 }],
  ])('an error with %s is a denial', async (_, fields) => {
    const { ledger, recorded } = open();
    const create = ledger.audited(
      'app.created',
      (_id: string) => Promise.reject(Object.assign(new Error('not yours'), fields)),
      describeApp,
    );
    await expect(create('app_1')).rejects.toThrow('not yours');
    expect(await recorded()).toMatchObject([{ outcome: 'denied' }]);
  });

  test('what a denial is can be said; when that throws it is a failure', async () => {
    const { ledger, recorded } = open();
    const refuse = (_id: string): never => {
      throw new RangeError('no');
    };
    const isRange = (error: unknown): boolean => error instanceof RangeError;
    const throws = (): never => {
      throw new Error('again');
    };
    for (const denied of [isRange, throws]) {
      const create = ledger.audited('app.created', refuse, describeApp, { denied });
      expect(() => create('app_1')).toThrow(RangeError);
    }
    expect((await recorded()).map(({ outcome }) => outcome).sort()).toEqual(['denied', 'failure']);
  });

  test('keeps this, properties and name', () => {
    const { ledger } = open();
    const apps = { made: 0 };
    function create(this: typeof apps, id: string): string {
      this.made += 1;
      return `${id}/${this.made}`;
    }
    const original = Object.assign(create, { version: 2 });
    const wrapped = ledger.audited('app.created', original, describeApp);
    expect(wrapped.call(apps, 'a')).toBe('a/1');
    expect(wrapped.call(apps, 'b')).toBe('b/2');
    expect([wrapped.name, wrapped.version]).toEqual(['create', 2]);
  });

  test('of a query builder `then` is called once, as if it were awaited', async () => {
    const { ledger, recorded } = open();
    let executions = 0;
    const query = {};
    Reflect.set(query, 'then', (fulfilled: (rows: string[]) => unknown): unknown => {
      executions += 1;
      return Promise.resolve(fulfilled(['row']));
    });
    const select = ledger.audited(
      'app.created',
      (_id: string) => query as unknown as Promise<string[]>,
      describeApp,
    );
    expect(await select('app_1')).toEqual(['row']);
    expect(executions).toBe(1);
    expect(await recorded()).toHaveLength(1);
  });

  test('R-REC-07: a description that throws, an odd error: nothing of it reaches the caller', async () => {
    const { ledger } = open();
    const fails = ledger.audited(
      'app.created',
      (_id: string) => 7,
      () => {
        throw new Error('no');
      },
    );
    expect(fails('app_1')).toBe(7);
    const odd: unknown = Object.create(null, {
      status: {
        get: () => {
          throw new Error('no');
        },
      },
    });
    const rejects = ledger.audited(
      'app.created',
      (_id: string) => Promise.reject<string>(odd as Error),
      describeApp,
    );
    expect(await rejects('app_1').catch((caught: unknown) => caught)).toBe(odd);
    expect(ledger.stats()).toMatchObject({ accepted: 1, rejected: { invalid: 1 } });
  });

  test('a failure nobody handles stays one', async () => {
    const { ledger } = open();
    const reject = ledger.audited(
      'app.created',
      (_id: string) => Promise.reject(new Error('unheard')),
      describeApp,
    );
    // The test runner's own listeners would take it for a fault of the test.
    const others = process.listeners('unhandledRejection');
    process.removeAllListeners('unhandledRejection');
    onTestFinished(() => {
      for (const listener of others) process.on('unhandledRejection', listener);
    });
    const heard = new Promise((resolve) => process.once('unhandledRejection', resolve));
    void reject('app_1');
    expect(await heard).toMatchObject({ message: 'unheard' });
  });
});
