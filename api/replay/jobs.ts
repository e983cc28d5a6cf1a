import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { fileURLToPath } from 'node:url'
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
/** What a person must change has this code. */
const NEEDS_PERSON = 2

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

/**
 * Replays are done by their command, in a process of its own each: it runs the code of Bronze and Silver, which this program has
 * not, and its memory is not ours. What was asked for is kept in memory; what is under way, and can be gone on with, is in the lake.
 */
export const createReplayJobs = ({ env }: { env: () => Record<string, string> }): ReplayJobs => {
  const jobs: ReplayJob[] = []
  const children = new Map<string, ChildProcess>()

  const run = (verb: ReplayVerb, args: readonly string[], told: { child: (child: ChildProcess) => void; message: (of: unknown) => void }) =>
    new Promise<unknown>((resolve, reject) => {
      const flags = ['--disable-warning=ExperimentalWarning', '--disable-warning=TimeoutNegativeWarning']
      const child = spawn(process.execPath, [...flags, files[verb], ...args, '--json'], {
        env: { ...process.env, ...env() },
        // The command ends when this process does: the channel tells it.
        stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      })
      told.child(child)
      child.on('message', told.message)
      let [answer, said] = ['', '']
      child.stdout?.setEncoding('utf8').on('data', (text: string) => {
        answer += text
        if (answer.length > MAX_ANSWER_BYTES) child.kill('SIGKILL')
      })
      child.stderr?.setEncoding('utf8').on('data', (text: string) => {
        said = (said + text).slice(-10_000)
      })
      child.once('error', (error) => reject(new Problem(503, `The command could not be started: ${error.message}.`)))
      child.once('close', (code) => {
        const line = said.split('\n').findLast((each) => each.startsWith(`${verb}: `))
        const why = line?.slice(verb.length + 2) ?? 'It was ended before it was done; the same request goes on where it was.'
        if (code !== 0) return reject(new Problem(code === NEEDS_PERSON ? 422 : 503, why))
        try {
          resolve(JSON.parse(answer))
        } catch {
          reject(new Problem(503, line === undefined ? 'It was stopped; the same request goes on where it was.' : why))
        }
      })
    })

  const start: ReplayJobs['start'] = (wanted) => {
    const running = jobs.filter(({ state }) => state === 'running')
    if (running.some(({ table }) => table === wanted.table))
      throw new Problem(409, `A replay of ${wanted.table} is under way here. /v1/replays tells how far it is.`)
    if (running.length >= MAX_RUNNING)
      throw new Problem(429, 'Others replay just now. Try again later.', { headers: { 'Retry-After': '10' } })
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
    jobs.splice(MAX_KEPT)
    const message = (of: unknown) => {
      const { type, done, all } = (of ?? {}) as Record<string, unknown>
      if (type === 'replay-progress' && typeof done === 'number' && typeof all === 'number') job.progress = { done, all }
    }
    const end = (change: Partial<ReplayJob>) => {
      children.delete(id)
      Object.assign(job, change, { endedAt: new Date().toISOString() })
    }
    run(wanted.verb, argsOf(wanted), { child: (child) => children.set(id, child), message }).then(
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
      let timer: NodeJS.Timeout | undefined
      const child = (of: ChildProcess) => {
        timer = setTimeout(() => of.kill('SIGKILL'), BOUNDS_TIMEOUT_MS)
      }
      return run('replay', [table, '--bounds'], { child, message: () => undefined }).finally(() => clearTimeout(timer))
    },
    close: async () => {
      const ends = [...children.values()].map((child) => new Promise((resolve) => child.once('close', resolve)))
      for (const child of children.values()) child.kill('SIGTERM')
      await Promise.all(ends)
    },
  }
}
