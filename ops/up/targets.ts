import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'

const WRITE_AGAIN_MS = 5000

/** Where Prometheus finds what runs on a data folder, in the format of its `file_sd_configs`. */
export const targetsFile = (dataDir: string): string => path.join(dataDir, 'run', 'prometheus-targets.json')

/** The file's content. Pure. */
export const targetsText = (addresses: ReadonlyMap<string, string>): string =>
  `${JSON.stringify(
    Array.from(addresses, ([program, address]) => ({ targets: [address], labels: { program } })),
    null,
    2,
  )}\n`

/**
 * Keeps the file true: a program is in it from the moment that its address is known, with a new one where it changes, also
 * while it is down or started again, so that Prometheus sees it as down. The file goes with `up`; after a kill -9 it stays, and
 * all in it is down.
 */
export const keepTargets = (dataDir: string) => {
  const file = targetsFile(dataDir)
  const addresses = new Map<string, string>()
  mkdirSync(path.dirname(file), { recursive: true })
  rmSync(file, { force: true })
  let again: NodeJS.Timeout | undefined
  const write = () => {
    clearTimeout(again)
    try {
      writeFileSync(`${file}.new`, targetsText(addresses))
      renameSync(`${file}.new`, file)
    } catch {
      // A disk that is full stops nobody: who scrapes goes on with the file of before.
      again = setTimeout(write, WRITE_AGAIN_MS).unref()
    }
  }
  return {
    set: (program: string, address: string) => {
      if (addresses.get(program) === address) return
      addresses.set(program, address)
      write()
    },
    remove: () => {
      clearTimeout(again)
      rmSync(file, { force: true })
    },
  }
}
