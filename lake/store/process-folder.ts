import { mkdir, readdir, rm, stat, utimes } from 'node:fs/promises'
import { hostname } from 'node:os'
import path from 'node:path'

const SIGN_OF_LIFE_MS = 3_600_000
const DEAD_AFTER_MS = 24 * SIGN_OF_LIFE_MS

/**
 * A folder below `parent` for this process alone, until it is closed. Removes those of processes of this host that are no
 * more, and those of other hosts (containers on one volume) that gave no sign of life for a day.
 */
export const openProcessFolder = async (parent: string): Promise<{ dir: string; close: () => Promise<void> }> => {
  const prefix = `${hostname()}-`
  const dir = path.join(parent, `${prefix}${process.pid}`)
  const isLeftover = async (name: string): Promise<boolean> => {
    if (name.startsWith(prefix)) {
      const pid = Number(name.slice(prefix.length))
      return pid === process.pid || !isAlive(pid)
    }
    const found = await stat(path.join(parent, name)).catch(() => null)
    return found !== null && Date.now() - found.mtimeMs > DEAD_AFTER_MS
  }
  await mkdir(parent, { recursive: true })
  for (const name of await readdir(parent)) if (await isLeftover(name)) await rm(path.join(parent, name), { recursive: true, force: true })
  await mkdir(dir, { recursive: true })
  const signs = setInterval(() => {
    const now = new Date()
    utimes(dir, now, now).catch(() => undefined)
  }, SIGN_OF_LIFE_MS).unref()
  const close = async () => {
    clearInterval(signs)
    await rm(dir, { recursive: true, force: true })
  }
  return { dir, close }
}

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
