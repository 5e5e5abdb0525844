import { nearestName } from '../../schemas/names.ts';
import { type Field, FIELDS } from './fields.ts';
import { QueryError, type Span } from './query-error.ts';

/** Families of fields whose names end in a name of the event's own, with what such a name is called. */
export const FAMILIES = [
  {
    prefix: 'attributes.',
    placeholder: 'NAME',
    about: 'an attribute by its whole name',
    example: 'attributes.host.name:web-1',
  },
  {
    prefix: 'data.',
    placeholder: 'PATH',
    about: 'a member of the type’s own data, dots between levels',
    example: 'data.environment:production',
  },
  {
    prefix: 'execution.',
    placeholder: 'PATH',
    about: 'a member of a command’s run',
    example: 'execution.exit_code:>0',
  },
  {
    prefix: 'related.',
    placeholder: 'ROLE',
    about: 'a further party of that role',
    example: 'related.subject:user/u_9',
  },
] as const;

const known = new Map<string, Field>(
  FIELDS.flatMap((field) => [field.name, ...(field.aliases ?? [])].map((name) => [name, field])),
);

const SHORT: ReadonlyMap<string, string> = new Map([
  ['attr.', 'attributes.'],
  ['attribute.', 'attributes.'],
]);

/** JSON this deep is nobody's to search by name, and each level is a bound parameter. */
const MAX_PATH = 16;

/**
 * The field of a name; fixed names may be written in any case.
 *
 * @throws QueryError with the nearest known name
 */
export function fieldNamed(given: string, span: Span): Field {
  const fixed = known.get(given.toLowerCase());
  if (fixed) return fixed;
  const dot = given.indexOf('.') + 1;
  const head = given.slice(0, dot).toLowerCase();
  const rest = given.slice(dot);
  const family = FAMILIES.find(({ prefix }) => prefix === (SHORT.get(head) ?? head));
  if (family === undefined || rest === '') throw unknownField(given, span);
  const { about, example } = family;
  const named = { name: `${family.prefix}${rest}`, about, example };
  switch (family.prefix) {
    case 'attributes.':
      return { ...named, kind: { is: 'attribute', key: rest } };
    case 'data.':
    case 'execution.': {
      const path = rest.split('.');
      if (path.length > MAX_PATH) {
        throw new QueryError(
          `a path of more than ${MAX_PATH} levels`,
          span,
          'Search for the value as text instead.',
        );
      }
      const column = family.prefix === 'data.' ? 'data' : 'execution';
      return { ...named, kind: { is: 'json', column, path } };
    }
    case 'related.':
      return { ...named, kind: { is: 'related', role: rest } };
  }
}

function unknownField(given: string, span: Span): QueryError {
  const nearest = nearestName(given.toLowerCase().slice(0, 64), known.keys());
  const name = nearest === undefined ? undefined : known.get(nearest)?.name;
  return new QueryError(
    'there is no such field',
    span,
    name === undefined
      ? 'docs/search.md lists the fields; put the words in quotes to search for them as text.'
      : `Did you mean ${name}:? Put the words in quotes to search for them as text.`,
  );
}
