import type { FilteredReceipt, Receipt, StoredReceipt } from './receipt.ts';
import type { AnyInput } from './stamp.ts';

/** How what is built upon a ledger says what happened: any type, checked at run time. */
export interface Voice {
  emit(type: string, input: AnyInput): Receipt;
  record(
    type: string,
    input: AnyInput,
    options?: { readonly timeoutMs?: number | undefined },
  ): Promise<StoredReceipt | FilteredReceipt>;
}
