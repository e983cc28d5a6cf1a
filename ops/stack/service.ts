import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, fstatSync, mkdirSync, openSync, rmSync } from 'node:fs'
import path from 'node:path'
import { ReadflowError } from '../../runtime/errors.ts'
import { sleep } from '../../runtime/lifecycle.ts'
import { rotateInPlace } from '../../runtime/log-files.ts'
import { errorLineOf, readTail, tellingLine } from './log-tail.ts'
import { type ServiceName, writePidFile } from './pid-file.ts'
import type { Watcher } from './watcher.ts'

/** On a machine that has much else to do a JVM takes minutes to start: one that is ended early would never get there. */
const READY_TIMEOUT_MS = 180_000
const READY_POLL_MS = 100
const STOP_GRACE_MS = 15_000
const LOG_LOOK_MS = 30_000

/** How to run a service. Its command line must hold `dataMark(dataDir, name)`, by which a leftover is known. */
export interface ServiceSpec {
  name: ServiceName
  /** For people: `Kafka`. */
  title: string
  dataDir: string
  /** Host and port, for messages. */
  address: string
  command: string
  args: string[]
  env: NodeJS.ProcessEnv
  cwd: string
  /** Whether it serves requests. A throw means not yet. */
  isReady: (signal: AbortSignal) => Promise<boolean>
  /** How long it may take to end when it is asked to; 15 s where it is not given. */
  stopGraceMs?: number
  /** Called when it has ended. */
  onEnd?: () => void
}

export interface RunningService {
  pid: number
  /** Resolves when it ended, for whatever reason. */
  exited: Promise<{ lastError: string | null }>
  /** SIGTERM, then SIGKILL after `graceMs`, 15 s where it is not given. */
  stop: (graceMs?: number) => Promise<void>
}

export const logFileOf = (dataDir: string, name: ServiceName): string => path.join(dataDir, 'logs', `${name}.log`)

/** Temporary files of a service live in the data folder and go with its next start, however it ended. */
export const emptyTempDir = (dataDir: string, name: ServiceName): string => {
  const dir = path.join(dataDir, 'tmp', name)
  rmSync(dir, { recursive: true, force: true })
  mkdirSync(dir, { recursive: true })
  return dir
}

const openLog = (file: string): { fd: number; fromByte: number } => {
  mkdirSync(path.dirname(file), { recursive: true })
  rotateInPlace(file)
  const fd = openSync(file, 'a')
  return { fd, fromByte: fstatSync(fd).size }
}

/**
 * Starts a service in a process group of its own (Ctrl-C must not reach it before those who use it) and waits
 * until it answers. Throws ReadflowError `stack-failed`, with the last line of its log, when it ends before or
 * does not answer within three minutes; nothing runs then.
 */
export const startService = async (
  spec: ServiceSpec,
  { watcher, signal }: { watcher: Watcher; signal?: AbortSignal },
): Promise<RunningService> => {
  signal?.throwIfAborted()
  mkdirSync(spec.cwd, { recursive: true })
  const logFile = logFileOf(spec.dataDir, spec.name)
  // Written to directly, not through us: the log is whole whatever happens to this process.
  const log = openLog(logFile)
  const child = spawn(spec.command, spec.args, { cwd: spec.cwd, env: spec.env, stdio: ['ignore', log.fd, log.fd], detached: true })
  closeSync(log.fd)
  const readLog = () => readTail(logFile, log.fromByte)
  const rotating = setInterval(() => {
    if (rotateInPlace(logFile)) log.fromByte = 0
  }, LOG_LOOK_MS).unref()
  const running = track({ child, spec, watcher, readLog })
  void running.exited.then(() => clearInterval(rotating))
  const deadline = AbortSignal.timeout(READY_TIMEOUT_MS)
  const settled = new AbortController()
  const limit = AbortSignal.any([settled.signal, deadline, ...(signal ? [signal] : [])])
  const failed = (what: string, line: string | null) =>
    new ReadflowError('stack-failed', `${spec.title} (${spec.address}) ${what}${after(line)}.`, {
      hint: `Its log: ${logFile}`,
    })
  try {
    const outcome = await Promise.race([untilReady(spec, limit), running.exited.then(() => 'ended' as const)])
    if (outcome === 'ended') throw failed('ended before it was ready', tellingLine(readLog()))
    if (outcome === 'late') {
      signal?.throwIfAborted()
      // Its last line may be of anything; only an error is a reason.
      throw failed(`did not answer within ${READY_TIMEOUT_MS / 1000} s`, errorLineOf(readLog()))
    }
    return running
  } catch (error) {
    await running.stop()
    throw error
  } finally {
    settled.abort()
  }
}

const after = (line: string | null) => (line ? `: ${line}` : '')

const untilReady = async (spec: ServiceSpec, limit: AbortSignal): Promise<'ready' | 'late'> => {
  while (!limit.aborted) {
    // Refused connections are what a service that boots answers with.
    if (await spec.isReady(limit).catch(() => false)) return 'ready'
    await sleep(READY_POLL_MS, limit).catch(() => undefined)
  }
  return 'late'
}

const track = ({
  child,
  spec,
  watcher,
  readLog,
}: {
  child: ChildProcess
  spec: ServiceSpec
  watcher: Watcher
  readLog: () => string
}): RunningService => {
  const { pid } = child
  let isStopping = false
  const pidFile = pid === undefined ? null : writePidFile({ dataDir: spec.dataDir, name: spec.name, pid })
  if (pid !== undefined) watcher.add(pid)
  const exited = new Promise<{ lastError: string | null }>((resolve) => {
    const done = (how: string, why: string | null) => {
      if (pid !== undefined) watcher.remove(pid)
      pidFile?.remove()
      spec.onEnd?.()
      resolve({ lastError: isStopping ? null : `${spec.title} ended (${how})${after(why)}` })
    }
    child.once('error', (error) => done(error.message, null))
    // Who was ended by a signal has not said why: what its log has last is of something else.
    child.once('exit', (code, signal) => (signal ? done(signal, null) : done(`exit code ${code}`, errorLineOf(readLog()))))
  })
  const stop = async (graceMs = spec.stopGraceMs ?? STOP_GRACE_MS) => {
    isStopping = true
    child.kill('SIGTERM')
    const grace = new AbortController()
    const isGone = await Promise.race([
      exited.then(() => true),
      sleep(graceMs, grace.signal).then(
        () => false,
        () => true,
      ),
    ])
    grace.abort()
    if (!isGone) child.kill('SIGKILL')
    await exited
  }
  return { pid: pid ?? -1, exited, stop }
}
