import { MASK, maskText, type Masking } from './mask-text.ts';
import { DEFAULT_SECRET_NAMES } from './secret-names.ts';

/** A command as it was run, without its secrets. */
export interface MaskedCommand {
  readonly command: string;
  readonly args: readonly string[];
}

/**
 * Short flags that take a secret, by program; `-p` alone means a port or a path to most. Joined:
 * `-psecret`; apart: `-p secret`; user: `-u name:secret`.
 */
const SHORT_FLAGS: Readonly<Record<string, { readonly flag: string; readonly as: ShortForm }>> = {
  mysql: { flag: '-p', as: 'joined' },
  mysqldump: { flag: '-p', as: 'joined' },
  mysqladmin: { flag: '-p', as: 'joined' },
  mariadb: { flag: '-p', as: 'joined' },
  'mariadb-dump': { flag: '-p', as: 'joined' },
  sshpass: { flag: '-p', as: 'either' },
  docker: { flag: '-p', as: 'login' },
  podman: { flag: '-p', as: 'login' },
  'redis-cli': { flag: '-a', as: 'apart' },
  ldapsearch: { flag: '-w', as: 'either' },
  ldapmodify: { flag: '-w', as: 'either' },
  curl: { flag: '-u', as: 'user' },
  wget: { flag: '-u', as: 'user' },
};
/** `login`: apart, and only after `login`; `docker run -p 80:80` is about ports. */
type ShortForm = 'joined' | 'apart' | 'either' | 'user' | 'login';

/** Flags whose value is `name:secret`. */
const USER_FLAGS = new Set(['--user', '--proxy-user']);

/**
 * A command line without its secrets: what follows a flag with a secret's name (`--password x`,
 * `--password=x`), the short flags of well-known programs (`mysql -px`, `curl -u name:x`), and all
 * that {@link maskText} finds in an argument. Pure.
 *
 * @example
 * maskCommand('mysql', ['-u', 'app', '-phunter2']); // { command: 'mysql', args: ['-u', 'app', '-p[masked]'] }
 */
export function maskCommand(
  command: string,
  args: readonly string[],
  masking: Masking = {},
): MaskedCommand {
  const names = masking.names ?? DEFAULT_SECRET_NAMES;
  const program = command
    .slice(Math.max(command.lastIndexOf('/'), command.lastIndexOf('\\')) + 1)
    .replace(/\.exe$/iu, '');
  const short = Object.hasOwn(SHORT_FLAGS, program) ? SHORT_FLAGS[program] : undefined;
  const takesSecret = short !== undefined && (short.as !== 'login' || args.includes('login'));
  let next: 'secret' | 'user' | undefined;

  const masked = args.map((arg): string => {
    const due = next;
    next = undefined;
    if (due === 'secret') return MASK;
    if (due === 'user') return withoutSecret(arg);
    if (USER_FLAGS.has(arg)) next = 'user';
    else if (/^--?[^=]+$/u.test(arg) && names.has(arg)) next = 'secret';
    else if (takesSecret && arg === short.flag && short.as !== 'joined') {
      next = short.as === 'user' ? 'user' : 'secret';
    } else if (takesSecret && arg.startsWith(short.flag) && arg.length > 2) {
      const value = arg.slice(short.flag.length);
      if (short.as === 'user') return short.flag + withoutSecret(value);
      if (short.as !== 'apart' && short.as !== 'login') return short.flag + MASK;
    }
    return maskText(arg, masking);
  });
  return { command: maskText(command, masking), args: masked };
}

/** `ada:hunter2` without what follows the colon. */
const withoutSecret = (userInfo: string): string => {
  const colon = userInfo.indexOf(':');
  return colon === -1 ? userInfo : `${userInfo.slice(0, colon)}:${MASK}`;
};
