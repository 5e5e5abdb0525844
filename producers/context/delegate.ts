import type { Party } from '../../schemas/index.ts';
import type { Voice } from '../voice.ts';
import { runInContext } from './context.ts';

/** A ledger for what is done on somebody's behalf, whatever the context. */
export class Delegate implements Voice {
  readonly #ledger: Voice;
  readonly #onBehalfOf: Party;

  constructor(ledger: Voice, onBehalfOf: Party) {
    this.#ledger = ledger;
    this.#onBehalfOf = onBehalfOf;
  }

  emit: Voice['emit'] = (...said) =>
    runInContext({ onBehalfOf: this.#onBehalfOf }, () => this.#ledger.emit(...said));

  record: Voice['record'] = (...said) =>
    runInContext({ onBehalfOf: this.#onBehalfOf }, () => this.#ledger.record(...said));
}
