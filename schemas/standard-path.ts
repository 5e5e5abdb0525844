const STEP = /^([^[\]]+)(?:\[(\d*)\])?$/;

/**
 * Puts a value at a path of the table of columns: `metadata.product.name`, `resources[0].uid` (a
 * member of a list), `tags[]` (behind what the list has). Makes what is missing on the way.
 */
export function setAt(root: Record<string, unknown>, path: string, value: unknown): void {
  const steps = path.split('.');
  let at = root;
  for (const [position, step] of steps.entries()) {
    const isLast = position === steps.length - 1;
    const [, name = step, index] = STEP.exec(step) ?? [];
    if (index === undefined) {
      if (isLast) at[name] = value;
      else at = (at[name] ??= {}) as Record<string, unknown>;
      continue;
    }
    const list = (at[name] ??= []) as unknown[];
    const slot = index === '' ? list.length : Number(index);
    if (isLast) list[slot] = value;
    else at = (list[slot] ??= {}) as Record<string, unknown>;
  }
}
