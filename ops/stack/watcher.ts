import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

export interface Watcher {
  add: (pid: number) => void
  remove: (pid: number) => void
  /** Lets it go; what it still watches is ended. */
  close: () => Promise<void>
}

/**
 * Starts the process that ends our services should this process be gone without having done so itself, even
 * by kill -9: it holds the other end of a pipe, which closes then.
 */
export const startWatcher = (): Watcher => {
  const child = spawn(process.execPath, [fileURLToPath(new URL('./watcher.mjs', import.meta.url))], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  })
  const exited = new Promise<void>((resolve) => {
    child.once('error', () => resolve())
    child.once('exit', () => resolve())
  })
  // One that somebody killed takes no more lines; the pid files still find what would be left.
  child.stdin.on('error', () => undefined)
  child.unref()
  const tell = (line: string) => {
    if (child.stdin.writable) child.stdin.write(`${line}\n`)
  }
  return {
    add: (pid) => tell(`add ${pid}`),
    remove: (pid) => tell(`remove ${pid}`),
    close: async () => {
      // It may be all that is left to wait for.
      child.ref()
      child.stdin.end()
      await exited
    },
  }
}
