import type { ChildProcess } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import { type CommandEnd, startCommand, statusOf } from '../http/command.ts'
import { Problem } from '../http/problem.ts'

export type ReplayVerb = 'replay' | 'rollback'

/** One replay or rollback that was asked for here. */
export interface ReplayJob {
  id: string
  verb: ReplayVerb
  table: string
  from: string | null
  to: string | null
  partitions: readonly number[] | null
  isDryRun: boolean
  state: 'running' | 'done' | 'failed'
  startedAt: string
  endedAt: string | null
  /** Offsets that are derived, of so many; null before that begins. */
  progress: { done: number; all: number } | null
  /** What the command told; null before its end. */
  result: unknown
  /** Why it failed, in the command's own words. */
  detail: string | null
}

type Wanted = Pick<ReplayJob, 'verb' | 'table' | 'from' | 'to' | 'partitions' | 'isDryRun'>

export interface ReplayJobs {
  /** Starts one. Throws a Problem where one of the table, or too many, are at work. */
  start: (wanted: Wanted) => ReplayJob
  /** Newest first. */
  list: () => readonly ReplayJob[]
  get: (id: string) => ReplayJob | null
  /** Has one stop; the same request goes on where it was. */
  stop: (id: string) => void
  /** What the command says of a table's partitions. */
  bounds: (table: string) => Promise<unknown>
  close: () => Promise<void>
}

const files: Record<ReplayVerb, string> = {
  replay: fileURLToPath(new URL('../../consumers/replay/main.ts', import.meta.url)),
  rollback: fileURLToPath(new URL('../../consumers/rollback/main.ts', import.meta.url)),
}
const MAX_RUNNING = 2
const MAX_KEPT = 20
const MAX_ANSWER_BYTES = 4 * 1024 ** 2
const BOUNDS_TIMEOUT_MS = 30_000

const argsOf = ({ verb, table, from, to, partitions, isDryRun }: Wanted): string[] =>
  verb === 'rollback'
    ? [table]
    : [
        table,
        `--from=${from ?? 'earliest'}`,
        `--to=${to ?? 'latest'}`,
        ...(partitions === null ? [] : [`--partition=${partitions.join(',')}`]),
        ...(isDryRun ? ['--dry-run'] : []),
      ]

/** What the command told. Throws a Problem in its own words where it failed. */
const answerOf = (end: CommandEnd): unknown => {
  if (end.code !== 0)
    throw new Problem(statusOf(end), end.line ?? 'It was ended before it was done; the same request goes on where it was.')
  try {
    return JSON.parse(end.answer)
  } catch {
    throw new Problem(503, end.line ?? 'It was stopped; the same request goes on where it was.')
  }
}

/**
 * Replays are done by their command, in a process of its own each: it runs the code of Bronze and Silver, which this program has
 * not, and its memory is not ours. What was asked for is kept in memory; what is under way, and can be gone on with, is in the lake.
 */
export const createReplayJobs = ({ env }: { env: () => Record<string, string> }): ReplayJobs => {
  let jobs: ReplayJob[] = []
  const children = new Map<string, ChildProcess>()

  const run = (verb: ReplayVerb, args: readonly string[]) => {
    const { child, ended } = startCommand({ file: files[verb], name: verb, args, env: env(), maxAnswerBytes: MAX_ANSWER_BYTES })
    return { child, told: ended.then(answerOf, (error: Error) => Promise.reject(new Problem(503, error.message))) }
  }

  const start: ReplayJobs['start'] = (wanted) => {
    const running = jobs.filter(({ state }) => state === 'running')
    if (running.some(({ table }) => table === wanted.table))
      throw new Problem(409, `A replay of ${wanted.table} is under way here. /v1/replays tells how far it is.`)
    if (running.length >= MAX_RUNNING)
      throw new Problem(429, 'Others replay just now. Try again later.', { headers: { 'Retry-After': '10' } })
    const { child, told } = run(wanted.verb, argsOf(wanted))
    const id = randomBytes(4).toString('hex')
    const job: ReplayJob = {
      ...wanted,
      id,
      state: 'running',
      startedAt: new Date().toISOString(),
      endedAt: null,
      progress: null,
      result: null,
      detail: null,
    }
    jobs.unshift(job)
    jobs = jobs.filter(({ state }, index) => index < MAX_KEPT || state === 'running')
    const end = (change: Partial<ReplayJob>) => {
      children.delete(id)
      Object.assign(job, change, { endedAt: new Date().toISOString() })
    }
    children.set(id, child)
    child.on('message', (of: unknown) => {
      const { type, done, all } = (of ?? {}) as Record<string, unknown>
      if (type === 'replay-progress' && typeof done === 'number' && typeof all === 'number') job.progress = { done, all }
    })
    told.then(
      (result) => end({ state: 'done', result }),
      (error: Error) => end({ state: 'failed', detail: error.message }),
    )
    return job
  }

  return {
    start,
    list: () => jobs,
    get: (id) => jobs.find((job) => job.id === id) ?? null,
    stop: (id) => void children.get(id)?.kill('SIGTERM'),
    bounds: (table) => {
      const { child, told } = run('replay', [table, '--bounds'])
      const timer = setTimeout(() => child.kill('SIGKILL'), BOUNDS_TIMEOUT_MS)
      return told.finally(() => clearTimeout(timer))
    },
    close: async () => {
      const ends = [...children.values()].map((child) => new Promise((resolve) => child.once('close', resolve)))
      for (const child of children.values()) child.kill('SIGTERM')
      await Promise.all(ends)
    },
  }
}
