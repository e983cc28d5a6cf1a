import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { sleep } from '../../runtime/lifecycle.ts'
import { commandLine, isAlive, isSameProcess, processMark } from '../../runtime/process.mjs'

const STOP_GRACE_MS = 15_000
const POLL_MS = 50

export type ServiceName = 'kafka' | 'registry' | 'minio'

interface PidRecord {
  pid: number
  mark: string | null
}

/**
 * Text on the command line of each service, by which it is known to belong to a data folder: an argument that Java
 * programs keep but do not use, or MinIO's own folder.
 */
export const dataMark = (dataDir: string, name: ServiceName = 'kafka'): string =>
  name === 'minio' ? path.join(dataDir, 'minio') : `-Dreadflow.data=${dataDir}`

const fileOf = (dataDir: string, name: ServiceName) => path.join(dataDir, 'run', `${name}.json`)

/** Notes a service's process, so that the next start can end it should nobody else have. */
export const writePidFile = ({ dataDir, name, pid }: { dataDir: string; name: ServiceName; pid: number }) => {
  const file = fileOf(dataDir, name)
  mkdirSync(path.dirname(file), { recursive: true })
  const record: PidRecord = { pid, mark: processMark(pid) }
  writeFileSync(`${file}.new`, JSON.stringify(record))
  renameSync(`${file}.new`, file)
  return { remove: () => rmSync(file, { force: true }) }
}

const readPidFile = (dataDir: string, name: ServiceName): PidRecord | null => {
  try {
    return JSON.parse(readFileSync(fileOf(dataDir, name), 'utf8')) as PidRecord
  } catch {
    return null // none, or torn by a crash: then nothing is known
  }
}

/** The pid of a service of this data folder that runs without anybody; never that of another process. */
export const findLeftover = (dataDir: string, name: ServiceName): number | null => {
  const record = readPidFile(dataDir, name)
  if (!record || !isSameProcess(record)) return null
  // The mark says it is the same process; its command line says that it is a service of this folder.
  return commandLine(record.pid)?.includes(dataMark(dataDir, name)) ? record.pid : null
}

const send = (pid: number, signal: NodeJS.Signals) => {
  try {
    process.kill(pid, signal)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

/** Ends a service that an earlier run left behind. Only for who holds the data folder's lock. Resolves to its pid. */
export const endLeftover = async (dataDir: string, name: ServiceName): Promise<number | null> => {
  const pid = findLeftover(dataDir, name)
  if (pid !== null) {
    send(pid, 'SIGTERM')
    for (let waitedMs = 0; isAlive(pid); waitedMs += POLL_MS) {
      if (waitedMs === STOP_GRACE_MS) send(pid, 'SIGKILL')
      await sleep(POLL_MS)
    }
  }
  rmSync(fileOf(dataDir, name), { force: true })
  return pid
}
