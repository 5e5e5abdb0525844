import type { Random } from './random.ts';

export interface Actor {
  readonly type: string;
  readonly id: string;
  readonly name: string;
  readonly address: string;
}

const FIRST = ['Ada', 'Grace', 'Linus', 'Barbara', 'Edsger', 'Frances', 'Ken', 'Radia', 'Tony'];
const LAST = ['Okafor', 'Nguyen', 'Schmidt', 'García', 'Haddad', 'Kowalski', 'Tanaka', 'Silva'];

export function actor(n: number, random: Random): Actor {
  return {
    type: n % 10 === 0 ? 'service' : 'user',
    id: `usr_${random.hex8()}${random.hex8()}`,
    name: `${random.of(FIRST)} ${random.of(LAST)}`,
    address: `10.${n % 200}.${random.below(256)}.${random.below(256)}`,
  };
}

export interface Thing {
  readonly type: string;
  readonly id: string;
  readonly name: string;
  readonly parentId: string;
}

/** A tenant's things, of every type that events are about. */
export function thingsOf(types: readonly string[], count: number, random: Random): Thing[] {
  return Array.from({ length: count }, (_, n) => {
    const type = types[n % types.length] ?? 'thing';
    return {
      type,
      id: `${type}_${random.hex8()}${random.hex8()}`,
      name: `${random.of(['shop', 'billing', 'intranet', 'edge'])} ${n}`,
      parentId: `prj_${random.below(40)}`,
    };
  });
}
