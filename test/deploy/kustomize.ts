import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { applyPatch } from 'rfc6902';
import { parse, parseAllDocuments } from 'yaml';
import { z } from 'zod';

/** One Kubernetes object. */
export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
  readonly [field: string]: unknown;
}

const operation = z.strictObject({
  op: z.enum(['add', 'remove', 'replace']),
  path: z.string().startsWith('/'),
  value: z.unknown().optional(),
});

/** As much of kustomize as deploy/kubernetes uses; a key outside of it, or misspelt, is refused. */
const kustomization = z.strictObject({
  apiVersion: z.string(),
  kind: z.enum(['Kustomization', 'Component']),
  namespace: z.string().optional(),
  resources: z.array(z.string()).default([]),
  components: z.array(z.string()).default([]),
  images: z
    .array(
      z.strictObject({
        name: z.string(),
        newName: z.string().optional(),
        newTag: z.string().optional(),
      }),
    )
    .default([]),
  patches: z
    .array(
      z.strictObject({
        target: z.strictObject({ kind: z.string(), name: z.string() }),
        patch: z.string().transform((text) => z.array(operation).parse(parse(text))),
      }),
    )
    .default([]),
});

/** Objects that belong to no namespace. */
const CLUSTER_WIDE = new Set(['Namespace']);

export const readKustomization = (text: string): z.infer<typeof kustomization> =>
  kustomization.parse(parse(text));

/** The objects of a folder with a kustomization.yaml, as `kubectl kustomize` would print them. */
export function build(folder: string): Manifest[] {
  const read = readKustomization(readFileSync(join(folder, 'kustomization.yaml'), 'utf8'));
  let objects = [...read.resources, ...read.components].flatMap((path) =>
    path.endsWith('.yaml') ? documents(join(folder, path)) : build(join(folder, path)),
  );
  const { namespace } = read;
  if (namespace !== undefined) {
    objects = objects.map((object) =>
      CLUSTER_WIDE.has(object.kind)
        ? object
        : { ...object, metadata: { ...object.metadata, namespace } },
    );
  }
  for (const { name, newName = name, newTag } of read.images) {
    const image = newTag === undefined ? newName : `${newName}:${newTag}`;
    objects = objects.map((object) => withImage(object, name, image));
  }
  for (const { target, patch } of read.patches) {
    const found = objects.filter(
      ({ kind, metadata }) => kind === target.kind && metadata.name === target.name,
    );
    if (found.length !== 1) throw new Error(`${folder}: no ${target.kind} ${target.name} to patch`);
    for (const object of found) {
      const failed = applyPatch(object, structuredClone(patch) as Parameters<typeof applyPatch>[1]);
      if (failed.some((error) => error !== null)) throw new Error(`${folder}: ${String(failed)}`);
    }
  }
  return objects;
}

function documents(file: string): Manifest[] {
  return parseAllDocuments(readFileSync(file, 'utf8'), { uniqueKeys: true }).map((document) => {
    if (document.errors.length > 0) throw new Error(`${dirname(file)}: ${String(document.errors)}`);
    return document.toJS() as Manifest;
  });
}

function withImage<T>(value: T, name: string, image: string): T {
  const replaced: unknown = JSON.parse(JSON.stringify(value), (key, one: unknown) =>
    key === 'image' && one === name ? image : one,
  );
  return replaced as T;
}
