import type { AuditEvent, Catalog, ResolvedEvent } from '../../schemas/index.ts';
import { redactorOf, type Redact } from './redactor.ts';
import { rulesOf, type RedactionOptions, type RedactionRules } from './rules.ts';

/** The redactors of a ledger's types, each compiled when its type is first kept. */
export class Redactors {
  readonly #rules: RedactionRules;
  readonly #byType = new WeakMap<ResolvedEvent, Redact>();

  /** Throws `CONFIG_INVALID` when a type of the catalog hashes and there is no key. */
  constructor(catalog: Catalog, options: RedactionOptions | undefined) {
    this.#rules = rulesOf(catalog, options);
  }

  redact(definition: ResolvedEvent, event: AuditEvent): AuditEvent {
    let redact = this.#byType.get(definition);
    if (redact === undefined) {
      redact = redactorOf(definition, this.#rules);
      this.#byType.set(definition, redact);
    }
    return redact(event);
  }
}
