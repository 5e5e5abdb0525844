import { createLedger, gateway, LEVELS, type Level } from '../../producers/index.ts';
import { memoryTransport } from '../../producers/testing.ts';

const EVENTS = 100_000;

/**
 * A gateway's traffic as the one did that asked for levels: clients list and read before they call,
 * monitors ask for health. Shares of a thousand; the mix is an assumption, and is all there is to it.
 */
const MIX = [
  ['gateway.tool.listed', 310],
  ['gateway.health.checked', 190],
  ['gateway.server.listed', 120],
  ['gateway.resource.listed', 95],
  ['gateway.tool.read', 75],
  ['gateway.resource.read', 55],
  ['gateway.prompt.listed', 35],
  ['gateway.user.read', 20],
  ['gateway.tool.invoked', 80],
  ['gateway.tool.updated', 8],
  ['gateway.token.issued', 6],
  ['gateway.tool.registered', 4],
  ['gateway.tool.deleted', 2],
] as const;

type Emit = (type: string, input: object) => { readonly status: string };

/** The share of a gateway's writes that each level saves, of those that `all` makes. */
export async function savedByLevel(): Promise<Readonly<Record<Level, number>>> {
  const saved: Partial<Record<Level, number>> = {};
  for (const level of LEVELS) {
    const transport = memoryTransport();
    const ledger = createLedger({
      service: 'gateway',
      catalog: gateway,
      transport,
      level,
      buffer: { maxEvents: EVENTS, maxBytes: 1024 ** 3 },
    });
    const emit = ledger.emit.bind(ledger) as Emit;
    for (let n = 0; n < EVENTS; n += 1) {
      const type = typeAt((n * 7919) % 1000);
      emit(type, {
        actor: { type: 'user', id: `u_${n % 500}` },
        target: { type: 'tool', id: `t_${n % 2_000}` },
        ...(type === 'gateway.token.issued' && { data: { scopes: ['tools:read'] } }),
        ...(n % 50 === 0 && { error: { code: 'UPSTREAM' } }),
      });
    }
    await ledger.close();
    const { filtered } = ledger.stats();
    if (transport.messages.length + filtered.level !== EVENTS) {
      throw new Error('an event was neither stored nor filtered by its level');
    }
    saved[level] = 1 - transport.messages.length / EVENTS;
  }
  return saved as Record<Level, number>;
}

function typeAt(place: number): string {
  let upTo = 0;
  for (const [type, share] of MIX) {
    upTo += share;
    if (place < upTo) return type;
  }
  throw new Error('the shares of the mix are less than a thousand');
}
