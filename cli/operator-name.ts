import { userInfo } from 'node:os';

/** Who is at the keyboard, as the system knows them. A container's user may have no name. */
export function operatorName(): string {
  try {
    return userInfo().username;
  } catch {
    return `uid-${process.getuid?.() ?? 'unknown'}`;
  }
}
