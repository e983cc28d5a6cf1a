import { randomBytes } from 'node:crypto'
import { hostname } from 'node:os'
import { filePath } from '../../lake/delta/actions.ts'
import { listReplays, pruneReplays, type ReplayState, readReplay, writeReplay } from '../../lake/replays.ts'
import type { ObjectStore } from '../../lake/store/store.ts'
import { ReadflowError } from '../../runtime/errors.ts'
import type { ReplayOf, Work } from './work.ts'

/** Of a replay on another machine: where it has kept nothing for so long its process counts as gone. */
const SILENT_MS = 600_000

const isProcess = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

/** Whether files that a replay has staged may be committed still: of a process that is there, or of another machine's. */
export const mayBeInUse = (entry: ReplayOf): boolean => isAlive(entry) || (entry.state === 'open' && entry.host !== hostname())

/** Whether the process that works at an open replay is there. */
export const isAlive = ({ state, host, pid, updatedAt }: ReplayOf): boolean => {
  if (state !== 'open') return false
  return host === hostname() ? pid !== process.pid && isProcess(pid) : Date.now() - Date.parse(updatedAt) < SILENT_MS
}

/** Throws `config` where a replay of the table is under way. */
export const checkIdle = async (store: ObjectStore, table: string): Promise<void> => {
  const busy = (await listReplays<Work>(store)).find((each) => each.table === table && isAlive(each))
  if (!busy) return
  throw new ReadflowError('config', `The replay ${busy.id} of ${table} is under way, in process ${busy.pid} on ${busy.host}.`, {
    hint: `Wait for it, or give it up: readflow replay --abort ${busy.id}.`,
  })
}

/** The replay that a request is to go on with: an open one of the same request whose process is gone; null for a new one. */
export const findReplay = async (store: ObjectStore, table: string, request: string): Promise<ReplayOf | null> => {
  await checkIdle(store, table)
  const all = await listReplays<Work>(store)
  return all.find((each) => each.table === table && each.state === 'open' && each.request === request) ?? null
}

export const newReplay = (table: string, request: string): ReplayOf => {
  const now = new Date().toISOString()
  return {
    id: randomBytes(4).toString('hex'),
    table,
    state: 'open',
    request,
    startedAt: now,
    updatedAt: now,
    host: hostname(),
    pid: process.pid,
    staged: [],
    version: null,
    work: null,
  }
}

/** Keeps an entry while its replay is under way. Rejects with `stopped` where somebody has given it up. */
export const saveReplay = async (store: ObjectStore, entry: ReplayOf): Promise<void> => {
  const now = await readReplay<Work>(store, entry.id)
  if (now?.state === 'aborted')
    throw new ReadflowError('stopped', `The replay ${entry.id} of ${entry.table} was given up by readflow replay --abort.`)
  await writeReplay(store, { ...entry, host: hostname(), pid: process.pid, updatedAt: new Date().toISOString() })
}

/** Ends a replay: what it had staged and was not committed is nobody's, and removed here unless somebody may be using it. */
export const endReplay = async (
  store: ObjectStore,
  entry: ReplayOf,
  state: Exclude<ReplayState, 'open'>,
  { version = null, isInUse = false }: { version?: number | null; isInUse?: boolean } = {},
): Promise<void> => {
  const work = entry.work && { ...entry.work, letterFiles: [] }
  await writeReplay(store, { ...entry, state, version, work, staged: [], updatedAt: new Date().toISOString() })
  if (!isInUse) {
    for (const path of entry.work?.letterFiles ?? []) await store.delete(path)
    const root = entry.table.replace('.', '/')
    if (state !== 'swapped') for (const { path } of entry.staged) await store.delete(`${root}/${filePath(path)}`)
  }
  await pruneReplays(store)
}
