import { randomBytes } from 'node:crypto'
import { hostname } from 'node:os'
import { filePath } from '../../lake/delta/actions.ts'
import { openTable, type Table } from '../../lake/delta/table.ts'
import { listReplays, pruneReplays, type ReplayState, readReplay, writeReplay } from '../../lake/replays.ts'
import type { ObjectStore } from '../../lake/store/store.ts'
import { ReadflowError } from '../../runtime/errors.ts'
import { sleep } from '../../runtime/lifecycle.ts'
import { isSameProcess, processMark } from '../../runtime/process.mjs'
import { epochId, progressId } from '../sink/ledger.ts'
import type { ReplayOf, Work } from './work.ts'

/** Of a replay on another machine: where it has kept nothing for so long its process counts as gone. */
const SILENT_MS = 600_000
const CLAIM_WAIT_MS = 2000

/** Whether files that a replay has staged may be committed still: of a process that is there, or of another machine's. */
const mayBeInUse = (entry: ReplayOf): boolean => isAlive(entry) || (entry.state === 'open' && entry.host !== hostname())

/** Whether the process that works at an open replay is there. */
export const isAlive = ({ state, host, pid, mark = null, updatedAt }: ReplayOf): boolean => {
  if (state !== 'open') return false
  return host === hostname() ? pid !== process.pid && isSameProcess({ pid, mark }) : Date.now() - Date.parse(updatedAt) < SILENT_MS
}

/** The replays of a table, newest first. Throws `config` where one of them is under way. */
export const checkIdle = async (store: ObjectStore, table: string): Promise<ReplayOf[]> => {
  const replays = (await listReplays<Work>(store)).filter((each) => each.table === table)
  const busy = replays.find(isAlive)
  if (!busy) return replays
  throw underWay(busy)
}

const underWay = ({ id, table, pid, host }: ReplayOf) =>
  new ReadflowError('config', `The replay ${id} of ${table} is under way, in process ${pid} on ${host}.`, {
    hint: `Wait for it, or give it up: readflow replay --abort ${id}.`,
  })

/** The replay that a request is to go on with: an open one of the same request whose process is gone; null for a new one. */
export const findReplay = async (store: ObjectStore, table: string, request: string): Promise<ReplayOf | null> =>
  (await checkIdle(store, table)).find((each) => each.state === 'open' && each.request === request) ?? null

/** Who works at a replay, and since when nothing was heard of it. */
const ownNow = () => ({
  updatedAt: new Date().toISOString(),
  host: hostname(),
  pid: process.pid,
  mark: processMark(process.pid),
})

export const newReplay = (table: string, request: string): ReplayOf => {
  const own = ownNow()
  return {
    id: randomBytes(4).toString('hex'),
    table,
    state: 'open',
    request,
    startedAt: own.updatedAt,
    ...own,
    staged: [],
    version: null,
    work: null,
  }
}

/**
 * Keeps an entry for the first time. Of two that begin at the same moment one goes on; the other is refused, as `checkIdle` would a
 * moment later.
 */
export const claimReplay = async (store: ObjectStore, entry: ReplayOf): Promise<void> => {
  await saveReplay(store, entry)
  const findOther = async () =>
    (await listReplays<Work>(store)).find((each) => each.table === entry.table && each.id !== entry.id && isAlive(each))
  let other = await findOther()
  // Who was there before does not look again: it stays.
  if (other && entry.id < other.id) {
    await sleep(CLAIM_WAIT_MS)
    other = await findOther()
  }
  if (!other) return
  await endReplay(store, entry, 'aborted')
  throw underWay(other)
}

/**
 * Keeps an entry while its replay is under way. Rejects with `stopped` where somebody has given it up, with `config` where another
 * process goes on with it.
 */
export const saveReplay = async (store: ObjectStore, entry: ReplayOf): Promise<void> => {
  const now = await readReplay<Work>(store, entry.id)
  if (now?.state === 'aborted')
    throw new ReadflowError('stopped', `The replay ${entry.id} of ${entry.table} was given up by readflow replay --abort.`)
  if (now && isAlive(now)) throw underWay(now)
  await writeReplay(store, { ...entry, ...ownNow() })
}

/** How far back the history is searched for a swap whose process died before it could say so. */
const SEARCHED_ENTRIES = 10_000

/** The version that a replay's swap made; null where it made none. */
const swappedAs = async (table: Table, { id }: ReplayOf): Promise<number | null> =>
  (await table.history({ limit: SEARCHED_ENTRIES })).find(({ commitInfo }) => commitInfo?.['replay'] === id)?.version ?? null

/**
 * Ends a replay that does not go on. Its process may have died between its swap and its note of it: then it is a swapped one, and
 * its files are the table's. What nobody can have committed is removed.
 */
export const giveUpReplay = async (store: ObjectStore, entry: ReplayOf): Promise<'swapped' | 'aborted'> => {
  const table = openTable(store, entry.table.replace('.', '/'))
  const { txns } = await table.snapshot()
  const { work } = entry
  const [layer] = entry.table.split('.')
  const isMoved = work?.partitions.some(
    ({ partition, epoch }) => (txns.get(epochId(progressId({ ...work, stage: layer ?? '', partition }))) ?? null) !== epoch,
  )
  const version = isMoved ? await swappedAs(table, entry) : null
  const state = version === null ? 'aborted' : 'swapped'
  await endReplay(store, entry, state, { version, isInUse: isMoved || mayBeInUse(entry) })
  return state
}

/** Ends a replay: what it had staged and was not committed is nobody's, and removed here unless somebody may be using it. */
export const endReplay = async (
  store: ObjectStore,
  entry: ReplayOf,
  state: Exclude<ReplayState, 'open'>,
  { version = null, isInUse = false }: { version?: number | null; isInUse?: boolean | undefined } = {},
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
