import { LedgerlineError } from '../schemas/errors.ts';

/** https://www.postgresql.org/docs/current/errcodes-appendix.html: the server goes away, or is not yet there. */
const PASSING = /^(?:08|57P|53|40)/;
const CREDENTIALS = /^28/;

/** Whether it is an address whose parts are where they seem: `/` or `#` in a password would move them. */
export function isPostgresUrl(text: string): boolean {
  try {
    const { protocol, pathname, hash } = new URL(text);
    return /^postgres(?:ql)?:$/.test(protocol) && !`${pathname}${hash}`.includes('@');
  } catch {
    return false;
  }
}

/**
 * Where it was tried, without user and password.
 *
 * @throws LedgerlineError CONFIG_INVALID where it is no address; Node's own error would quote it
 */
export function placeOf(url: string): string {
  if (!isPostgresUrl(url)) {
    throw new LedgerlineError(
      'CONFIG_INVALID',
      'The address of PostgreSQL is not postgres://user:password@host:5432/database.',
      { hint: 'Write a password in percent-encoding: / as %2F, # as %23, @ as %40.' },
    );
  }
  const { hostname, port, pathname, searchParams } = new URL(url);
  const host = searchParams.get('host') ?? (hostname || 'localhost');
  return `${host}:${port || '5432'}${pathname === '/' ? '' : pathname}`;
}

/** Says in one line what is wrong, where it was tried, and the way out. Pure. */
export function explainPostgres(error: unknown, place: string): LedgerlineError {
  if (error instanceof LedgerlineError) return error;
  const { code = '', message } = error as { code?: string; message: string };
  const refused = (text: string, hint: string): LedgerlineError =>
    new LedgerlineError('POSTGRES_REFUSED', `PostgreSQL at ${place} ${text}`, {
      hint,
      cause: error,
    });
  if (CREDENTIALS.test(code) || message.startsWith('SASL')) {
    return refused('refused the credentials.', 'Check user and password of LEDGERLINE_OUTBOX_URL.');
  }
  if (code === '3D000') {
    return refused('has no such database.', 'Check the database of LEDGERLINE_OUTBOX_URL.');
  }
  if (code === '42704' && message.startsWith('role ')) {
    return refused(
      `answered: ${message}.`,
      'Make it first: CREATE ROLE … LOGIN; or correct the name that was given.',
    );
  }
  if (code === '42501') {
    return refused(
      `refused: ${message}.`,
      'Grant it as the owner: ledgerline outbox migrate --relay-role <role>.',
    );
  }
  if (code === '42P01' || code === '3F000') {
    return new LedgerlineError('TABLE_UNFIT', `PostgreSQL at ${place} has no outbox.`, {
      hint: 'Make it with "ledgerline outbox migrate"; LEDGERLINE_OUTBOX_SCHEMA says where it is.',
      cause: error,
    });
  }
  if (/^[0-9A-Z]{5}$/.test(code) && !PASSING.test(code)) {
    return refused(`answered ${code}: ${message}.`, 'See PostgreSQL, appendix A: error codes.');
  }
  return new LedgerlineError(
    'POSTGRES_UNREACHABLE',
    `No answer from PostgreSQL at ${place}: ${message || code}.`,
    {
      hint: 'Check that it runs, the address in LEDGERLINE_OUTBOX_URL, and sslmode.',
      cause: error,
    },
  );
}
