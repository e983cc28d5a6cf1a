import { randomUUID } from 'node:crypto'
import { link, mkdir, rename, rm } from 'node:fs/promises'
import path from 'node:path'
import { isSameProcess, processMark } from '../../runtime/process.mjs'
import { readJson, writeWhole } from '../whole-file.ts'

/*
 * How the command hands a backfill to the poller of the same data folder, as programs share no memory: `<data>/backfill/`
 *   request.json   what is asked for, and whether it was taken back; written by the command alone
 *   status.json    what became of it; written by who runs it alone
 *   poller.json    the poller that would take it, as long as it lives
 * Every file appears whole or not at all.
 */

export interface BackfillRequest {
  id: string
  /** First and last day, YYYY-MM-DD in UTC; both count. */
  fromDay: string
  toDay: string
  /** ISO 8601. */
  askedAt: string
  isCancelled: boolean
}

/** `waiting`: it goes on by itself, as after a fault or while the poll is paused. */
export const backfillStates = ['waiting', 'running', 'done', 'failed', 'cancelled'] as const

/** What a backfill goes on without, as it alone could not be had. */
export interface BackfillMissing {
  kind: 'reader' | 'book' | 'author'
  id: string
  /** In one line. */
  why: string
}

export interface BackfillStatus {
  /** The request that it is of. */
  id: string
  state: (typeof backfillStates)[number]
  /** Why it failed or waits, in one line. */
  detail: string | null
  /** Requests, and about how many are left, by what is known so far. */
  requests: number
  requestsLeft: number | null
  /** Records that were published, by entity. */
  records: Readonly<Record<string, number>>
  /** Days that were asked for whole, the newest first, of how many. */
  daysDone: number
  days: number
  missing: readonly BackfillMissing[]
  /** Time that was worked on it, in ms. */
  workedMs: number
  /** ISO 8601. */
  updatedAt: string
}

export interface Backfill {
  request: BackfillRequest
  status: BackfillStatus | null
}

/** A process that takes backfills. */
interface Owner {
  pid: number
  mark: string | null
  /** The source that it polls, without secrets. */
  source: string
}

/** Whether nothing more becomes of it. */
export const isOver = ({ status }: Backfill): boolean => status !== null && ['done', 'failed', 'cancelled'].includes(status.state)

/** About how many milliseconds it takes still, at the pace so far; null where that can't be told yet. */
export const estimateMs = ({ requests, requestsLeft, workedMs }: BackfillStatus): number | null =>
  requestsLeft === null || requests === 0 ? null : Math.round((workedMs / requests) * requestsLeft)

/** The status of one that was taken back, with what was done of it before. */
export const cancelledStatus = ({ request, status }: Backfill, nowMs: number): BackfillStatus => {
  const none = { requests: 0, requestsLeft: null, records: {}, daysDone: 0, days: 0, missing: [], workedMs: 0 }
  return { ...none, ...status, id: request.id, state: 'cancelled', detail: null, updatedAt: new Date(nowMs).toISOString() }
}

const isCode = (error: unknown, code: string) => (error as NodeJS.ErrnoException).code === code
const ignoreAbsent = (error: unknown) => {
  if (!isCode(error, 'ENOENT')) throw error
}
/** Gives a file a second name, unless that is taken. */
const tryLink = (from: string, to: string) =>
  link(from, to).catch((error) => {
    if (!isCode(error, 'EEXIST')) throw error
  })

/** The backfill of a data folder: one at a time. */
export const openBackfillInbox = (dataDir: string) => {
  const dir = path.join(dataDir, 'backfill')
  const file = (name: string) => path.join(dir, `${name}.json`)
  const write = async (name: string, value: object) => {
    await mkdir(dir, { recursive: true })
    await writeWhole(file(name), JSON.stringify(value))
  }
  const owner = async (): Promise<Owner | null> => {
    const found = await readJson<Owner>(file('poller'))
    return found && isSameProcess(found) ? found : null
  }
  /** Takes the place of `poller.json` where nobody has it; a process that is gone has it no more. */
  const claim = async (source: string): Promise<void> => {
    await mkdir(dir, { recursive: true })
    const mine = path.join(dir, `poller.${randomUUID()}.json`)
    await writeWhole(mine, JSON.stringify({ pid: process.pid, mark: processMark(process.pid), source }))
    try {
      await tryLink(mine, file('poller'))
      if (await owner()) return
      // Moved aside and looked at again: meanwhile another process may have put its own there.
      const aside = `${mine}.gone`
      await rename(file('poller'), aside).catch(ignoreAbsent)
      const moved = await readJson<Owner>(aside)
      await tryLink(moved && isSameProcess(moved) ? aside : mine, file('poller'))
      await rm(aside, { force: true })
    } finally {
      await rm(mine, { force: true })
    }
  }
  const readRequest = () => readJson<BackfillRequest>(file('request'))
  return {
    /** The newest one; null where there was none. */
    get: async (): Promise<Backfill | null> => {
      const request = await readRequest()
      if (!request) return null
      const status = await readJson<BackfillStatus>(file('status'))
      // An earlier version said nothing of what is missing.
      return { request, status: status?.id === request.id ? { ...status, missing: status.missing ?? [] } : null }
    },
    put: async ({ fromDay, toDay }: Pick<BackfillRequest, 'fromDay' | 'toDay'>): Promise<BackfillRequest> => {
      const request = { id: randomUUID(), fromDay, toDay, askedAt: new Date().toISOString(), isCancelled: false }
      await write('request', request)
      return request
    },
    cancel: async (): Promise<void> => {
      const request = await readRequest()
      if (request) await write('request', { ...request, isCancelled: true })
    },
    writeStatus: (status: BackfillStatus): Promise<void> => write('status', status),
    /** The process that takes backfills; null where none does. What a killed one left behind counts as none. */
    owner,
    /** Says that this process takes backfills from now on, where no other does. Gives whether it does. */
    tryOwn: async (source: string): Promise<boolean> => {
      if (!(await owner())) await claim(source)
      return (await owner())?.pid === process.pid
    },
    /** Says that this process takes none any more. */
    disown: async (): Promise<void> => {
      if ((await owner())?.pid === process.pid) await rm(file('poller'), { force: true })
    },
  }
}

export type BackfillInbox = ReturnType<typeof openBackfillInbox>
