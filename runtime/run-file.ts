import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { isSameProcess, processMark } from './process.mjs'

/** Where a running `up` or `stack` can be reached: what `<data>/run/up.json` holds while it runs. */
export interface RunFile {
  program: 'up' | 'stack'
  pid: number
  brokers: string[]
  registryUrl: string
  /** null where no tables are used (`stack`). */
  lakeUrl: string | null
  /** Address of the page and the API, without a slash at its end; null where none is served. */
  apiUrl: string | null
  /** Where `pause`, `restart` and the like are told; null where nothing can be. Only who can read this file knows the token. */
  control: { port: number; token: string } | null
}

const fileOf = (dataDir: string) => path.join(dataDir, 'run', 'up.json')

/** Tells other commands of this data folder where things are. Only for who holds the folder's lock. */
export const writeRunFile = (dataDir: string, run: Omit<RunFile, 'pid'>): { remove: () => void } => {
  const file = fileOf(dataDir)
  mkdirSync(path.dirname(file), { recursive: true })
  rmSync(`${file}.new`, { force: true })
  writeFileSync(`${file}.new`, JSON.stringify({ ...run, pid: process.pid, mark: processMark(process.pid) }), { mode: 0o600 })
  renameSync(`${file}.new`, file)
  return { remove: () => rmSync(file, { force: true }) }
}

/** What runs on a data folder; null where nothing does. What a killed one left behind counts as nothing. */
export const readRunFile = (dataDir: string): RunFile | null => {
  try {
    const { mark, ...run } = JSON.parse(readFileSync(fileOf(dataDir), 'utf8')) as RunFile & { mark: string | null }
    return isSameProcess({ pid: run.pid, mark }) ? run : null
  } catch {
    return null // none, not ours to read, or torn: then nothing is known
  }
}
