import { readdir, rm } from 'node:fs/promises'
import path from 'node:path'

const isAlive = (pid: number) => {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    // Not ours to signal, but alive.
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

/** Removes the folders, named by process id, of processes that are no more. */
export const removeLeftovers = async (dir: string): Promise<void> => {
  const names = await readdir(dir).catch(() => [])
  const dead = names.filter((name) => /^\d+$/.test(name) && (!isAlive(Number(name)) || Number(name) === process.pid))
  await Promise.all(dead.map((name) => rm(path.join(dir, name), { recursive: true, force: true })))
}
