import { z } from 'zod';
import {
  Alternatives,
  anyOf,
  Deferred,
  type FieldNode,
  Members,
  OPEN,
  strongestIn,
  wholly,
} from './sensitive-fields.ts';
import { treatmentOf } from './sensitive.ts';

/** What a schema says of its *output*: the sensitive parts, the declared ones, the open ones. */
export const fieldsOf = (schema: z.core.$ZodType): FieldNode | undefined =>
  nodeOf(schema, new Known());

/** Nodes by schema; recursive schemas find their own. */
class Known extends Map<z.core.$ZodType, FieldNode | undefined> {
  /** Sensitive as a whole only because a transform hides where the sensitive part went. */
  readonly assumed = new Set<FieldNode>();
}

function nodeOf(schema: z.core.$ZodType, known: Known): FieldNode | undefined {
  const before = known.get(schema);
  if (before !== undefined || known.has(schema)) return before;
  const treatment = treatmentOf(schema);
  const node = treatment === undefined ? insideOf(schema, known) : wholly(treatment);
  known.set(schema, node);
  return node;
}

function insideOf(schema: z.core.$ZodType, known: Known): FieldNode | undefined {
  // zod's own discriminated union of all its kinds of schema.
  const { def } = (schema as z.core.$ZodTypes)._zod;
  switch (def.type) {
    case 'any':
    case 'unknown':
    case 'custom':
    case 'transform':
      return OPEN;
    case 'optional':
    case 'nullable':
    case 'default':
    case 'prefault':
    case 'catch':
    case 'readonly':
    case 'nonoptional':
    case 'promise':
      return nodeOf(def.innerType, known);
    case 'lazy': {
      const deferred = new Deferred();
      known.set(schema, deferred);
      deferred.target = nodeOf(def.getter(), known);
      return deferred;
    }
    case 'object':
      return objectOf(schema, def, known);
    case 'array':
      return listOf(schema, def.element, [], known);
    case 'set':
      return listOf(schema, def.valueType, [], known);
    case 'tuple':
      return listOf(schema, def.rest ?? undefined, def.items, known);
    case 'record':
    case 'map': {
      const members = new Members('free');
      known.set(schema, members);
      members.others = nodeOf(def.valueType, known);
      return members;
    }
    case 'union':
      return alternatives(schema, def.options, known);
    case 'intersection':
      return alternatives(schema, [def.left, def.right], known);
    case 'pipe':
      return pipeOf(def, known);
    default:
      return undefined;
  }
}

function objectOf(
  schema: z.core.$ZodType,
  def: z.core.$ZodObjectDef,
  known: Known,
): FieldNode | undefined {
  const { catchall } = def;
  const isOpen = catchall !== undefined && catchall._zod.def.type !== 'never';
  const members = new Members(isOpen ? 'free' : 'closed');
  known.set(schema, members);
  for (const [name, field] of Object.entries(def.shape)) {
    members.named.set(name, nodeOf(field, known));
  }
  if (isOpen) members.others = nodeOf(catchall, known);
  return members;
}

function listOf(
  schema: z.core.$ZodType,
  rest: z.core.$ZodType | undefined,
  items: readonly z.core.$ZodType[],
  known: Known,
): FieldNode {
  const members = new Members('indexes');
  known.set(schema, members);
  items.forEach((item, index) => members.named.set(String(index), nodeOf(item, known)));
  if (rest !== undefined) members.others = nodeOf(rest, known);
  return members;
}

function alternatives(
  schema: z.core.$ZodType,
  options: readonly z.core.$ZodType[],
  known: Known,
): FieldNode {
  const node = new Alternatives();
  known.set(schema, node);
  for (const option of options) {
    const inside = nodeOf(option, known);
    if (inside !== undefined) node.options.push(inside);
  }
  return node;
}

/**
 * A transform may put its input's sensitive parts anywhere. Where the schema behind it does not
 * say where they are, all of its output is taken for sensitive.
 */
function pipeOf(def: z.core.$ZodPipeDef, known: Known): FieldNode | undefined {
  const from = nodeOf(def.in, known);
  const to = nodeOf(def.out, known);
  const hidden = strongestIn(from);
  if (from === undefined || hidden === undefined) return to;
  const isAssumed = known.assumed.has(from);
  if (from.treatment !== undefined && !isAssumed) return from;
  if (strongestIn(to) !== undefined) return isAssumed ? to : anyOf([from, to]);
  if (!isAssumed && !moves(def)) return anyOf([from, to]);
  const whole = wholly(hidden);
  known.assumed.add(whole);
  return whole;
}

/** Whether what comes out of a pipe need not have the shape of what goes in. */
const moves = (def: z.core.$ZodPipeDef): boolean =>
  'transform' in def || (def.out as z.core.$ZodTypes)._zod.def.type === 'transform';
