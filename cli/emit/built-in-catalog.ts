import {
  authorization,
  configBackup,
  contacts,
  defineCatalog,
  gateway,
  infrastructure,
  security,
} from '../../schemas/index.ts';

/** Every type that ships with Ledgerline. Services' own catalogs live in their code. */
export const builtInCatalog = defineCatalog(
  infrastructure,
  gateway,
  contacts,
  configBackup,
  security,
  authorization,
);
