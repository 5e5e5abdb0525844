/** RFC 6901: `/address/city`; `~` and `/` within a name are `~0` and `~1`; `''` is the whole. */
export const pointerTo = (parent: string, name: string | number): string =>
  `${parent}/${typeof name === 'number' ? name : escaped(name)}`;

const escaped = (name: string): string =>
  name.includes('~') || name.includes('/')
    ? name.replaceAll('~', '~0').replaceAll('/', '~1')
    : name;

/** The names that a pointer is made of; undefined where it is none. */
export function namesOf(pointer: string): readonly string[] | undefined {
  if (pointer === '') return [];
  if (!pointer.startsWith('/')) return undefined;
  const names = pointer.slice(1).split('/');
  return pointer.includes('~')
    ? names.map((name) => name.replaceAll('~1', '/').replaceAll('~0', '~'))
    : names;
}
