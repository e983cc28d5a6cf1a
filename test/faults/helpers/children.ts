import assert from 'node:assert/strict'
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { until } from '../../helpers/up.ts'

export interface Said {
  /** The point at which it ended or stopped itself. */
  crash?: string
  done?: boolean
  /** Names of every point that it passed. */
  points?: string[]
  failed?: string
  /** A line of its log. */
  level?: number | string
  msg?: string
  [key: string]: unknown
}

export interface Child {
  pid: number
  process: ChildProcess
  said: Said[]
  /** Everything it wrote, for a failed test. */
  output: () => string
  kill: (signal: NodeJS.Signals) => void
  /** Ends it by SIGTERM; rejects where it has ended before, or ends with another code than 0. */
  stop: () => Promise<void>
  /** Resolves when it has ended, however long that takes. */
  closed: Promise<{ code: number | null; signal: NodeJS.Signals | null }>
  /** The same; rejects where it takes longer than two minutes from now. */
  exited: () => Promise<{ code: number | null; signal: NodeJS.Signals | null }>
  /** Resolves when it says something that fits; rejects when it ends before, or does not within a minute. */
  says: (what: string, fits: (said: Said) => boolean) => Promise<Said>
  /** Resolves when the process stands still by the SIGSTOP of its own point: it says so a moment before. */
  standsStill: () => Promise<void>
}

const SAYS_MS = 60_000
const EXIT_MS = 120_000

/** Starts children ahead of their jobs, as most of their time goes into loading. Close it at the end. */
export const openChildren = (program: string, { spare = 2 } = {}) => {
  const file = fileURLToPath(new URL(`../child/${program}.ts`, import.meta.url))
  const compiled = mkdtempSync(path.join(tmpdir(), 'readflow-compiled-'))
  const waiting: Promise<ChildProcess>[] = []
  const all = new Set<ChildProcess>()

  const load = () =>
    new Promise<ChildProcess>((resolve, reject) => {
      const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', '--disable-warning=TimeoutNegativeWarning', file], {
        stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
        // A third of a start is reading TypeScript, which one does for all.
        env: { ...process.env, NODE_COMPILE_CACHE: compiled },
      })
      all.add(child)
      child.once('message', () => resolve(child))
      child.once('exit', () => {
        all.delete(child)
        reject(new Error(`${program} ended before its job`))
      })
    })
  const top = () => {
    while (waiting.length < spare) {
      const loading = load()
      loading.catch(() => undefined)
      waiting.push(loading)
    }
  }
  top()

  return {
    /** Gives a job to a child that is loaded. */
    start: async (job: object): Promise<Child> => {
      const child = await (waiting.shift() ?? load())
      top()
      const running = watch(child)
      child.send(job)
      return running
    },
    close: async () => {
      const exits = [...all].map((child) => new Promise((resolve) => child.once('exit', resolve)))
      for (const child of all) child.kill('SIGKILL')
      await Promise.all(exits)
      rmSync(compiled, { recursive: true, force: true })
    },
  }
}

const watch = (child: ChildProcess): Child => {
  const said: Said[] = []
  const listeners = new Set<() => void>()
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    let rest = ''
    stream?.setEncoding('utf8').on('data', (text: string) => {
      output += text
      const lines = (rest + text).split('\n')
      rest = lines.pop() ?? ''
      for (const line of lines) if (line.startsWith('{')) said.push(JSON.parse(line) as Said)
      for (const listener of listeners) listener()
    })
  }
  let isClosed = false
  const exited = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve) =>
    child.once('close', (code, signal) => {
      isClosed = true
      resolve({ code, signal })
      for (const listener of listeners) listener()
    }),
  )
  const says: Child['says'] = (what, fits) => {
    const heard = new Promise<Said>((resolve, reject) => {
      const look = () => {
        const found = said.find(fits)
        if (!found && !isClosed) return
        listeners.delete(look)
        if (found) resolve(found)
        else reject(new Error(`the child ended and never said ${what}:\n${output.slice(-3000)}`))
      }
      listeners.add(look)
      look()
    })
    return inTime(heard, SAYS_MS, () => `the child did not say ${what}:\n${output.slice(-3000)}`)
  }
  const inTwoMinutes = () => inTime(exited, EXIT_MS, () => `the child did not end:\n${output.slice(-3000)}`)
  return {
    pid: child.pid ?? 0,
    process: child,
    said,
    output: () => output,
    kill: (signal) => void child.kill(signal),
    closed: exited,
    exited: inTwoMinutes,
    stop: async () => {
      assert.ok(!isClosed, `the child ended by itself:\n${output}`)
      child.kill('SIGTERM')
      assert.equal((await inTwoMinutes()).code, 0, output)
    },
    says,
    standsStill: async () => {
      await says('that it stopped', ({ crash }) => crash !== undefined)
      // A SIGCONT that came before the SIGSTOP would be none.
      await until('the child to stand still', async () => stateOf(child.pid).startsWith('T'))
    },
  }
}

const stateOf = (pid: number | undefined) => execFileSync('ps', ['-o', 'state=', '-p', String(pid)], { encoding: 'utf8' }).trim()

const inTime = async <T>(promise: Promise<T>, timeoutMs: number, message: () => string): Promise<T> => {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(message())), timeoutMs)
  })
  return Promise.race([promise, late]).finally(() => clearTimeout(timer))
}
