import type { Run } from './run.ts'

interface Me {
  program: string
  host: string
  pid: number
}

/**
 * Whether a run that has not ended will not: its process is gone. Of another machine that can't be told; there it counts
 * as gone, and where it ends after all, its own word wins.
 */
export const isLeftBehind = (run: Run, me: Me, isAlive: (pid: number) => boolean = isProcess): boolean =>
  // One with our own pid is of a process before us: we have not begun any yet.
  run.state === 'started' && run.program === me.program && (run.host !== me.host || run.pid === me.pid || !isAlive(run.pid))

const isProcess = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    // It may be somebody else's.
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
