import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { LedgerlineError } from '../../schemas/index.ts';

const OLDEST = 17;
const DEADLINE_MS = 10_000;
const HINT = `Install a JVM ${OLDEST} or newer (Debian: apt-get install openjdk-17-jre-headless), or set JAVA_HOME.`;

/**
 * The `java` command, from JAVA_HOME or the PATH, after asking it for its version.
 *
 * @throws LedgerlineError JAVA_UNUSABLE when there is none, or it is older than 17
 */
export async function findJava(env: NodeJS.ProcessEnv = process.env): Promise<string> {
  const home = env['JAVA_HOME'];
  const java = home ? join(home, 'bin', 'java') : 'java';
  const version = await askVersion(java, env);
  const major = javaMajor(version);
  if (major >= OLDEST) return java;
  throw new LedgerlineError(
    'JAVA_UNUSABLE',
    `Kafka needs Java ${OLDEST} or newer; ${java} is ${Number.isNaN(major) ? 'of an unknown version' : `Java ${major}`}`,
    { hint: HINT },
  );
}

/** The major version that `java -version` prints: 8 for "1.8.0_392", 17 for "17.0.15". */
export function javaMajor(version: string): number {
  const match = /version "(?:1\.)?(\d+)/.exec(version);
  return Number(match?.[1] ?? Number.NaN);
}

function askVersion(java: string, env: NodeJS.ProcessEnv): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(java, ['-version'], { env, timeout: DEADLINE_MS }, (error, _stdout, stderr) => {
      if (!error) return resolve(stderr);
      reject(
        new LedgerlineError(
          'JAVA_UNUSABLE',
          `Kafka needs Java, and ${java} cannot be run (${String(error.code ?? error.signal)})`,
          { hint: HINT, cause: error },
        ),
      );
    });
  });
}
