import { forbidden, type Caller } from './caller.ts';
import type { Panel } from './panel.ts';
import type { Permission } from './people.ts';

/** For what is to be created, and so is no target yet: lets the caller go on, or throws 403. */
export function demand({ ledger }: Panel, caller: Caller, permission: Permission): void {
  const refusal = caller.refusal(permission);
  if (refusal === undefined) return;
  ledger.emit('authorization.permission.denied', {
    ...refusal,
    data: { permission },
  });
  throw forbidden(refusal);
}
