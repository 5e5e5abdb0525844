/** What a file of fault tests works with: scenes, gates and proxies that go when their test ends. */
import { afterEach, inject } from 'vitest';
import { type BrokerProxy, openBrokerProxy } from './broker-proxy.ts';
import { type Gate, openGate } from './gate.ts';
import { openScene, type Scene, type SceneOptions } from './scene.ts';

export interface Stage {
  scene(options?: Partial<SceneOptions>): Promise<Scene>;
  gateTo(clickhouseUrl: string): Promise<Gate>;
  /** In front of the run's one broker, or of another. */
  proxy(broker?: string): Promise<BrokerProxy>;
  /** Runs when the test has ended, the latest first. */
  atEnd(cleanup: () => Promise<void> | void): void;
}

export function useStage(): Stage {
  const cleanups: (() => Promise<void> | void)[] = [];
  afterEach(async () => {
    for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
  });
  return {
    async scene(options = {}) {
      const scene = await openScene({
        brokers: inject('brokers'),
        clickhouseUrl: inject('clickhouseUrl'),
        ...options,
      });
      cleanups.push(() => scene.close());
      return scene;
    },
    async gateTo(clickhouseUrl) {
      const gate = await openGate(clickhouseUrl);
      cleanups.push(() => gate.close());
      return gate;
    },
    async proxy(broker = inject('brokers')[0] ?? '') {
      const proxy = await openBrokerProxy(broker);
      cleanups.push(() => proxy.close());
      return proxy;
    },
    atEnd: (cleanup) => void cleanups.push(cleanup),
  };
}
