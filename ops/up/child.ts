import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { sleep } from '../../runtime/lifecycle.ts'
import { openLogFile } from '../../runtime/log-files.ts'
import { asLogLine } from '../../runtime/log-lines.ts'
import { nodeFlags, programEnv } from '../../runtime/node-flags.mjs'
import { createRedactor } from '../../runtime/redact-text.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const mains = { poll: 'producers/main.ts', consume: 'consumers/main.ts', compact: 'compactor/main.ts', serve: 'api/main.ts' } as const
export type ProgramName = keyof typeof mains

const STOP_GRACE_MS = 35_000

export interface ProgramExit {
  code: number | null
  signal: string | null /** Last line on stderr that is no log line: what a person should read. */
  lastError: string | null
}

export interface RunningProgram {
  pid: number | undefined
  exited: Promise<ProgramExit>
  /** The last line on stdout: with `--once`, its summary. */
  lastLine: () => string | null
  send: (message: object) => void
  /** SIGTERM, then SIGKILL after `graceMs`. */
  stop: (graceMs?: number) => Promise<void>
}

/** Calls `onLine` for each whole line of a stream. */
const eachLine = (stream: NodeJS.ReadableStream | null, onLine: (line: string) => void) => {
  let rest = ''
  stream?.setEncoding('utf8')
  stream?.on('data', (chunk: string) => {
    const lines = (rest + chunk).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) onLine(line)
  })
  stream?.on('end', () => {
    if (rest) onLine(rest)
  })
}

/**
 * Starts one program as a process of its own, in its own group so that Ctrl-C in the terminal reaches it
 * through us and in order. Its log goes to `<data>/logs/<name>.log`. It stops by itself when its IPC channel
 * closes, so none outlives us.
 */
export const startProgram = (
  name: ProgramName,
  options: { args: string[]; env: NodeJS.ProcessEnv; logDir: string; onMessage?: (message: Record<string, unknown>) => void },
): RunningProgram => {
  mkdirSync(options.logDir, { recursive: true })
  const logFile = openLogFile(path.join(options.logDir, `${name}.log`))
  const redact = createRedactor(options.env)
  const child: ChildProcess = spawn(process.execPath, [...nodeFlags(name), path.join(root, mains[name]), ...options.args], {
    env: programEnv(name, options.env),
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    detached: true,
  })
  let lastLine: string | null = null
  let lastError: string | null = null
  let isToldToEnd = false
  eachLine(child.stdout, (line) => {
    lastLine = line
  })
  eachLine(child.stderr, (line) => {
    logFile.write(asLogLine(line, { program: name, nowMs: Date.now(), redact }))
    if (line.startsWith(`${name}: `)) lastError = redact(line.slice(name.length + 2))
  })
  // What it tells is shown to people, as its log is.
  child.on('message', (message) => options.onMessage?.(JSON.parse(redact(JSON.stringify(message)))))
  const exited = new Promise<ProgramExit>((resolve) => {
    child.once('error', (error) => resolve({ code: null, signal: null, lastError: error.message }))
    child.once('close', (code, signal) => {
      // Who is killed has no last words: the log would have nothing of it.
      if (signal !== null && !isToldToEnd) {
        lastError ??= `ended by ${signal}, which did not come from up`
        logFile.write(asLogLine(`${name}: ${lastError}`, { program: name, nowMs: Date.now(), redact }))
      }
      logFile.close()
      resolve({ code, signal, lastError })
    })
  })
  return {
    pid: child.pid,
    exited,
    lastLine: () => lastLine,
    send: (message) => {
      if (child.connected) child.send(message, () => undefined)
    },
    stop: async (graceMs = STOP_GRACE_MS) => {
      isToldToEnd = true
      child.kill('SIGTERM')
      const isGone = await Promise.race([exited.then(() => true), sleep(graceMs).then(() => false)])
      if (!isGone) child.kill('SIGKILL')
      await exited
    },
  }
}
