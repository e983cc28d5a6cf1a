import { userInfo } from 'node:os'

/** Who is at the keyboard, as far as the system knows. */
export const userName = (): string => {
  try {
    return userInfo().username
  } catch {
    // A container may run as a user that has no name there.
    return `user ${process.getuid?.() ?? 'unknown'}`
  }
}
