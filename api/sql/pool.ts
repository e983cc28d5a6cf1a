import { type ChildProcess, fork } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { createLanes, type LaneOptions, TooMany } from '../http/lanes.ts'
import type { Ask, More, Say } from './protocol.ts'

export interface PoolOptions extends LaneOptions {
  /** Existing folder that workers may spill to. */
  tempDir: string
  /** Existing folder that they are in: files are told to them by their paths in it, so that a plan tells no more. */
  filesDir: string
  /** DuckDB's own limit a worker, and that of what it spills. */
  memoryLimit: string
  maxTempSize: string
  /** Resident bytes at which a worker is killed, whatever DuckDB says. */
  maxRssBytes: number
}

/** What queries may take of a machine. */
export const sqlLimits = {
  ...{ workers: 2, maxWaiting: 16, long: { workers: 2, afterMs: 3000 } },
  ...{ memoryLimit: '384MB', maxTempSize: '2GB', maxRssBytes: 1024 ** 3 },
} as const

/** A worker of one's own, until it is given back. */
export interface Lease {
  /** Aborted with why, as a WorkerLost, once it is lost: what is made ready for it has no use any more. */
  signal: AbortSignal
  /** Asks, and gives what it says until `judged`, `done` or `failed`. Each `columns` and `batch` is handed to `hear` first. */
  ask: (ask: Ask, hear?: (say: Say) => void | Promise<void>) => Promise<Say>
  /** Gives it back. What still runs in it is killed with it. */
  release: () => void
}

/** Why a query has no result: it is no fault of the database. */
export class WorkerLost extends Error {
  readonly why: 'busy' | 'timeout' | 'memory' | 'died' | 'closed'
  constructor(why: WorkerLost['why'], message: string) {
    super(message)
    this.why = why
  }
}

interface Worker {
  child: ChildProcess
  /** Settles with the reason once the process is gone. */
  gone: Promise<WorkerLost>
  kill: (why: WorkerLost) => void
  /** Whether it may be given to another. */
  isSound: () => boolean
}

const WATCH_INTERVAL_MS = 250
const PAGE_BYTES = 4096
const file = fileURLToPath(new URL('./worker.ts', import.meta.url))

/** Processes that run SQL, one query each at a time; started when they are needed, and anew after one was killed. */
export const openPool = (options: PoolOptions) => {
  const idle: Worker[] = []
  const all = new Set<Worker>()
  const lanes = createLanes(options)
  let isClosed = false

  const start = (): Worker => {
    const child = fork(file, [options.tempDir, options.memoryLimit, options.maxTempSize, String(options.maxRssBytes)], {
      // Nothing of ours: no key, no address of a lake.
      env: {},
      cwd: options.filesDir,
      execArgv: ['--max-old-space-size=512'],
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    })
    let reason: WorkerLost | undefined
    const kill = (why: WorkerLost) => {
      reason ??= why
      child.kill('SIGKILL')
    }
    const watching = setInterval(async () => {
      if ((await residentBytes(child.pid)) > options.maxRssBytes) kill(outOfMemory(options))
    }, WATCH_INTERVAL_MS)
    watching.unref()
    const gone = new Promise<WorkerLost>((resolve) => {
      const ended = (_code: unknown, signal?: unknown) => {
        clearInterval(watching)
        all.delete(worker)
        const at = idle.indexOf(worker)
        if (at >= 0) idle.splice(at, 1)
        // It kills itself, and the kernel kills it, for want of memory; nobody else does.
        resolve(reason ?? (signal === 'SIGKILL' ? outOfMemory(options) : new WorkerLost('died', 'the process that ran it died')))
      }
      child.once('exit', ended)
      child.once('error', ended)
    })
    const worker: Worker = { child, gone, kill, isSound: () => reason === undefined && all.has(worker) }
    all.add(worker)
    return worker
  }

  const ask = async (worker: Worker, asked: Ask, hear: (say: Say) => void | Promise<void> = () => undefined): Promise<Say> => {
    const ended = Promise.withResolvers<Say>()
    const listen = (said: Say) => {
      if (said.kind === 'judged' || said.kind === 'done' || said.kind === 'failed') return ended.resolve(said)
      Promise.resolve()
        .then(() => hear(said))
        .then(() => said.kind === 'batch' && worker.child.send({ kind: 'more' } satisfies More))
        .catch(ended.reject)
    }
    worker.child.on('message', listen)
    try {
      worker.child.send(asked, (error) => error && ended.reject(error))
      return await Promise.race([ended.promise, worker.gone.then((why) => Promise.reject(why))])
    } finally {
      worker.child.off('message', listen)
    }
  }

  /** Waits for a worker. Its owner has `timeoutMs` from then on; afterwards it is killed, as when `signal` aborts. */
  const lease = async ({ timeoutMs, signal }: { timeoutMs: number; signal?: AbortSignal | undefined }): Promise<Lease> => {
    if (isClosed) throw stopping()
    let worker: Worker | null = null
    const lost = new AbortController()
    const kill = (why: WorkerLost) => {
      lost.abort(why)
      worker?.kill(why)
    }
    const crowded = () =>
      kill(
        new WorkerLost(
          'busy',
          `others wait, and ${options.long?.workers} that take longer than ${(options.long?.afterMs ?? 0) / 1000} s run already`,
        ),
      )
    const place = await lanes.enter(crowded, signal).catch((error: unknown) => {
      if (error instanceof TooMany) throw new WorkerLost('busy', error.message)
      throw signal?.aborted ? new WorkerLost('closed', 'nobody waits for it any more') : error
    })
    const own = idle.pop() ?? start()
    worker = own
    let isBusy = false
    let isSpent = false
    const timer = setTimeout(() => kill(new WorkerLost('timeout', `it took longer than ${timeoutMs / 1000} s`)), timeoutMs)
    const abort = () => kill(new WorkerLost('closed', 'nobody waits for it any more'))
    signal?.addEventListener('abort', abort, { once: true })
    if (signal?.aborted) abort()
    let isReleased = false
    return {
      signal: lost.signal,
      ask: async (asked, hear) => {
        isBusy = true
        const said = await ask(own, asked, hear)
        isBusy = false
        if ('isSpent' in said) isSpent ||= said.isSpent
        return said
      },
      release: () => {
        if (isReleased) return
        isReleased = true
        clearTimeout(timer)
        signal?.removeEventListener('abort', abort)
        if (isBusy) kill(new WorkerLost('closed', 'nobody waits for it any more'))
        else if (isSpent) kill(outOfMemory(options))
        else if (own.isSound() && !isClosed) idle.push(own)
        place.leave()
      },
    }
  }

  const close = async () => {
    isClosed = true
    const why = stopping()
    lanes.refuseAll(why)
    const ending = [...all].map((worker) => {
      worker.kill(why)
      return worker.gone
    })
    await Promise.all(ending)
  }

  return { lease, counts: lanes.counts, close }
}

export type Pool = ReturnType<typeof openPool>

const stopping = () => new WorkerLost('closed', 'the server is stopping')

const outOfMemory = ({ maxRssBytes }: PoolOptions) =>
  new WorkerLost('memory', `it took more memory than the ${Math.round(maxRssBytes / 1024 ** 2)} MiB that a query may have`)

/** 0 where the system does not tell: then only the worker itself watches. */
const residentBytes = async (pid: number | undefined): Promise<number> => {
  const text = await readFile(`/proc/${pid}/statm`, 'utf8').catch(() => '')
  return (Number(text.split(' ')[1]) || 0) * PAGE_BYTES
}
