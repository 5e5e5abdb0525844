/** Reading values of whose shape nothing is known: each system's records are its own. */

export type JsonObject = Readonly<Record<string, unknown>>;

export const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** An object, or an empty one where there is none. */
export const objectOf = (value: unknown): JsonObject => (isObject(value) ? value : {});

/** A text that says something; numbers count, since accounts and ids sometimes come as such. */
export function textOf(value: unknown): string | undefined {
  if (typeof value === 'number') return String(value);
  return typeof value === 'string' && value.trim() !== '' ? value : undefined;
}

/** `IAMUser` as `iam_user`, `dBInstance` as `db_instance`: names of types are snake_case here. */
export const snakeCase = (name: string): string =>
  name
    .replace(/^([a-z])(?=[A-Z]{1,2}[a-z])/, (letter) => letter.toUpperCase())
    .replace(/([a-z\d])([A-Z])/g, '$1_$2')
    .replace(/([A-Z]+)([A-Z][a-z])/g, '$1_$2')
    .replace(/[^A-Za-z\d]+/g, '_')
    .replace(/^_+|_+$/g, '')
    .toLowerCase();
