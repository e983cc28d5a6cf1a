import { closeSync, copyFileSync, fstatSync, openSync, renameSync, statSync, truncateSync, writeSync } from 'node:fs'

/** With the files of before, a log takes five times as much at most. */
const MAX_BYTES = 10 * 1024 ** 2
const KEPT_BEFORE = 4

export interface LogLimits {
  maxBytes?: number
  /** Files of before that are kept: `x.log.1` is the newest of them. */
  kept?: number
}

export const rotatedName = (file: string, number: number): string => `${file}.${number}`

/** Each file of before gets the next number; what has the last one is overwritten. */
const shift = (file: string, kept: number) => {
  for (let number = kept - 1; number >= 1; number--) {
    try {
      renameSync(rotatedName(file, number), rotatedName(file, number + 1))
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    }
  }
}

/**
 * A log file that lines are added to, and that makes room for itself. A disk that is full costs lines, and never stops who
 * writes; what can be written again is.
 */
export const openLogFile = (file: string, { maxBytes = MAX_BYTES, kept = KEPT_BEFORE }: LogLimits = {}) => {
  let open: { fd: number; bytes: number } | null = null

  const opened = () => {
    if (open) return open
    const fd = openSync(file, 'a')
    open = { fd, bytes: fstatSync(fd).size }
    return open
  }
  const close = () => {
    if (open) closeSync(open.fd)
    open = null
  }
  const rotate = () => {
    shift(file, kept)
    renameSync(file, rotatedName(file, 1))
    close()
  }

  return {
    write: (line: string): void => {
      const bytes = Buffer.from(`${line}\n`)
      try {
        if (opened().bytes > 0 && opened().bytes + bytes.length > maxBytes) rotate()
        const to = opened()
        to.bytes += writeSync(to.fd, bytes)
      } catch {
        // Nobody can be told: this is where faults are told.
      }
    },
    close,
  }
}

/**
 * Moves what a log has that another process writes to, once it is large: its content is copied, and the file goes on empty. The
 * other must open it for appending. Gives whether it did.
 */
export const rotateInPlace = (file: string, { maxBytes = MAX_BYTES, kept = KEPT_BEFORE }: LogLimits = {}): boolean => {
  try {
    if (statSync(file).size <= maxBytes) return false
    shift(file, kept)
    copyFileSync(file, rotatedName(file, 1))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false
    // A disk that has no room for the copy gets it from the log itself.
  }
  try {
    truncateSync(file, 0)
    return true
  } catch {
    return false // gone, or not ours: it is looked at again
  }
}
