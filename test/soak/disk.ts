import { spawnSync } from 'node:child_process'
import { mkdirSync, statfsSync } from 'node:fs'

const SIZE_BYTES = 4 * 1024 ** 3
const PAGE_BYTES = 4096
/** What is left of a full disk. */
const LEFT_PAGES = 8

/** As root, or as one who may become it unasked. */
const asRoot = (command: string, ...args: string[]): boolean =>
  (process.getuid?.() === 0 ? spawnSync(command, args) : spawnSync('sudo', ['-n', command, ...args])).status === 0

export interface Disk {
  /** No more can be written than that, else a few pages, and what is freed meanwhile. */
  fill: (leftBytes?: number) => void
  free: () => void
  unmount: () => void
}

/** A small disk in memory at that folder, or null where this user may not mount one. */
export const mountDisk = (dir: string): Disk | null => {
  mkdirSync(dir, { recursive: true })
  const size = (bytes: number) => `size=${bytes}`
  if (!asRoot('mount', '-t', 'tmpfs', '-o', `${size(SIZE_BYTES)},mode=777`, 'tmpfs', dir)) return null
  const resize = (bytes: number) => asRoot('mount', '-o', `remount,${size(bytes)}`, dir)
  return {
    fill: (leftBytes = LEFT_PAGES * PAGE_BYTES) => {
      // What is written between the look and the change lets it fail: then it is tried again with a new look.
      for (let attempt = 0; attempt < 20; attempt++) {
        const { blocks, bfree, bsize } = statfsSync(dir)
        if (resize((blocks - bfree) * bsize + leftBytes)) return
      }
      throw new Error(`the disk at ${dir} could not be filled`)
    },
    free: () => void resize(SIZE_BYTES),
    unmount: () => {
      if (!asRoot('umount', dir)) asRoot('umount', '-l', dir)
    },
  }
}
