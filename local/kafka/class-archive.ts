import { join } from 'node:path';
import { PROJECT_ROOT } from '../project-root.ts';

/**
 * Kafka's classes as a JVM lays them out in memory, kept beside the jars: with them a broker starts in half
 * of the time. https://docs.oracle.com/en/java/javase/17/vm/class-data-sharing.html
 */
export const CLASS_ARCHIVE = join(PROJECT_ROOT, '.local', 'kafka', 'classes.jsa');

// Without the archive, with another JVM than the one that wrote it, or with other jars, classes are
// loaded as ever: no reason to warn.
const QUIET = ['cds', 'cds+dynamic', 'class+path'].map((tag) => `-Xlog:${tag}=off`);

export const USING_CLASS_ARCHIVE = [`-XX:SharedArchiveFile=${CLASS_ARCHIVE}`, ...QUIET];

/** The JVM writes it when it ends in order, which takes it some seconds more. */
export const writingClassArchive = (file: string): string[] => [
  `-XX:ArchiveClassesAtExit=${file}`,
  ...QUIET,
];
