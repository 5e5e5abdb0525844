import { basename, dirname } from 'node:path';
import { fileURLToPath } from 'node:url';

const above = dirname(dirname(fileURLToPath(import.meta.url)));

/** The package's folder, whether this file runs as local/*.ts or as dist/local/*.js. */
export const PROJECT_ROOT = basename(above) === 'dist' ? dirname(above) : above;

/** Where a local stack keeps its data unless told otherwise, below the current folder. */
export const DEFAULT_STACK_DIR = '.local/stack';
