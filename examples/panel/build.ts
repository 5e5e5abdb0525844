import type { EnvVar } from './store.ts';
import { holdsSecret } from './secrets.ts';

/** In place of a build machine: what `sh` runs, with the revision as its first argument. */
const SCRIPT = `
echo "checking out $1"
case "$1" in
  *[!0-9a-f]*) echo "fatal: $1 is no commit" >&2; exit 128 ;;
esac
echo "migrating \${DATABASE_URL:-nothing}"
echo "live with LOG_LEVEL=\${LOG_LEVEL:-info}"
`;
const TIMEOUT_MS = 30_000;

/** How an app's revision is built and put live: a command, and what of it must not be recorded. */
export const buildOf = (revision: string, variables: readonly EnvVar[]) => ({
  command: '/bin/sh',
  args: ['-c', SCRIPT, 'build', revision],
  options: {
    env: Object.fromEntries(variables.map(({ key, value }) => [key, value])),
    secrets: variables.filter(({ key }) => holdsSecret(key)).map(({ value }) => value),
    timeoutMs: TIMEOUT_MS,
  },
});
