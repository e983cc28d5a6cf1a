import { createHash, randomUUID } from 'node:crypto'
import { existsSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs'
import path from 'node:path'

const ABANDONED_MS = 3_600_000
const ARCHIVING_MS = 60_000
const PART = '.part'

export interface ClassArchive {
  /** What the JVM is to be started with. */
  flags: string[]
  /** To be called when that JVM has ended: keeps what it has written for the next ones. Null where it writes none. */
  keep: (() => void) | null
}

/** What a service that writes one needs: time, as its data are safe by then. */
export const whileArchiving = ({ keep }: ClassArchive) => (keep ? { stopGraceMs: ARCHIVING_MS, onEnd: keep } : {})

/**
 * The classes of one class path, read and verified beforehand, of exactly one Java (its `-version` text): with them a server is
 * there in half of the processor's time. The JVM itself writes them when a run ends that was started without (`isMade`), which
 * takes some seconds, once; one that fits no more it ignores.
 * Source: https://docs.oracle.com/en/java/javase/17/docs/specs/man/java.html (ArchiveClassesAtExit).
 */
export const classArchive = ({
  dir,
  name,
  javaVersion,
  isMade = false,
}: {
  dir: string
  name: string
  javaVersion: string
  isMade?: boolean
}): ClassArchive => {
  const file = path.join(dir, `${name}-${createHash('sha256').update(javaVersion).digest('hex').slice(0, 12)}.jsa`)
  const quiet = '-Xlog:cds*=off'
  if (existsSync(file)) return { flags: [`-XX:SharedArchiveFile=${file}`, quiet], keep: null }
  if (!isMade) return { flags: [], keep: null }
  removeAbandoned(dir)
  // Others may write one at the same time; each is whole, and the last one stays.
  const part = `${file}.${randomUUID()}${PART}`
  return {
    flags: [`-XX:ArchiveClassesAtExit=${part}`, quiet],
    keep: () => {
      try {
        renameSync(part, file)
      } catch {
        // None was written: the JVM was killed, or may not write there. The next run tries it.
      }
    },
  }
}

/** Of a JVM that was killed while it wrote. */
const removeAbandoned = (dir: string) => {
  try {
    for (const name of readdirSync(dir).filter((each) => each.endsWith(PART)))
      if (Date.now() - statSync(path.join(dir, name)).mtimeMs > ABANDONED_MS) rmSync(path.join(dir, name), { force: true })
  } catch {
    // Another start removes them too.
  }
}
