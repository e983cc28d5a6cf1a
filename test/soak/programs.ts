import { spawn } from 'node:child_process'
import { createWriteStream, readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { keepRunning } from '../../ops/up/keep-running.ts'
import { sleep } from '../../runtime/lifecycle.ts'
import { nodeFlags, programEnv } from '../../runtime/node-flags.mjs'
import { root } from '../helpers/up.ts'
import type { Checked } from './compare.ts'
import type { Target } from './plan.ts'

const mains: Partial<Record<Target, string>> = {
  ...{ poll: 'producers/main.ts', consume: 'consumers/main.ts', compact: 'compactor/main.ts', serve: 'api/main.ts' },
}
const STOP_GRACE_MS = 60_000

export interface Programs {
  /** Null while it is being started again. */
  pid: (target: Target) => number | null
  /** How it ended each time that the soak did not end it: exit codes and last words. */
  ends: { name: string; code: number | null; lastLine: string; hasJoined: boolean }[]
  /** Ends the second consumer, then `up`; returns their exit codes. */
  stop: () => Promise<{ name: string; code: number | null }[]>
}

const parentOf = (pid: string): number => {
  try {
    return Number(/\) \S (\d+)/.exec(readFileSync(`/proc/${pid}/stat`, 'utf8'))?.[1])
  } catch {
    return Number.NaN // it is gone
  }
}
const argsOf = (pid: string): string[] => {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')
  } catch {
    return [] // it is gone
  }
}
const childOf = (parent: number, main: string): number | null => {
  const found = readdirSync('/proc').find(
    (pid) => /^\d+$/.test(pid) && parentOf(pid) === parent && argsOf(pid).some((arg) => arg === path.join(root, main)),
  )
  return found === undefined ? null : Number(found)
}

export const endText = ({ name, code, lastLine }: Programs['ends'][number]) =>
  `${name} ended by itself with ${code}: ${lastLine.slice(0, 300)}`

/** One that starts says what is missing, and ends. One that has begun waits until it is there again. */
export const goesOn = (ends: Programs['ends']): Checked => {
  const begun = ends.filter(({ hasJoined }) => hasJoined)
  return { what: 'a consumer that has joined its groups goes on', count: ends.length, faults: begun.map(endText) }
}

/** One program, started again whenever it ends. */
const keepProgram = (options: { name: string; command: string; main: string; args: string[]; env: NodeJS.ProcessEnv; logFile: string }) => {
  const { name, command, main, args, env, logFile } = options
  const ends: Programs['ends'] = []
  let pid: number | null = null
  let lastCode: number | null = null
  const kept = keepRunning({
    start: () => {
      const log = createWriteStream(logFile, { flags: 'a' })
      // An IPC channel, as `up` gives its programs: it ends when the soak does, however that ends.
      const child = spawn(process.execPath, [...nodeFlags(command), path.join(root, main), ...args], {
        env: programEnv(command, env),
        stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
        detached: true,
      })
      let [lastLine, hasJoined] = ['', false]
      child.stderr?.setEncoding('utf8').on('data', (text: string) => {
        log.write(text)
        hasJoined ||= text.includes('joined the group')
        lastLine = text.trimEnd().split('\n').at(-1) || lastLine
      })
      pid = child.pid ?? null
      const exited = new Promise<{ lastError: string | null }>((resolve) => {
        child.once('error', (error) => resolve({ lastError: error.message }))
        child.once('close', (code, signal) => {
          pid = null
          lastCode = code
          log.end()
          if (signal === null && code !== 0) ends.push({ name, code, lastLine, hasJoined })
          resolve({ lastError: lastLine })
        })
      })
      const stop = async () => {
        child.kill('SIGCONT')
        child.kill('SIGTERM')
        const isGone = await Promise.race([exited.then(() => true), sleep(STOP_GRACE_MS).then(() => false)])
        if (!isGone) child.kill('SIGKILL')
        await exited
      }
      return { exited, stop }
    },
    onState: () => undefined,
  })
  return {
    pid: () => pid,
    ends,
    stop: async () => {
      await kept.stop()
      return { name, code: lastCode }
    },
  }
}

/** `up` with its four programs, on servers that are there, and a second consumer beside it. */
export const startPrograms = (options: {
  dataDir: string
  logDir: string
  env: NodeJS.ProcessEnv
  clocks: { clients: NodeJS.ProcessEnv; 'consume-2': NodeJS.ProcessEnv }
}): Programs => {
  const { dataDir, logDir, env, clocks } = options
  const up = keepProgram({
    ...{ name: 'up', command: 'up', main: 'ops/up/main.ts', args: ['--data', dataDir, '--port', '0', '--metrics-port', '0'] },
    ...{ env: { ...env, ...clocks.clients }, logFile: path.join(logDir, 'up.log') },
  })
  const second = keepProgram({
    ...{ name: 'consume-2', command: 'consume', main: 'consumers/main.ts', args: ['--metrics-port', '0'] },
    ...{ env: { ...env, ...clocks['consume-2'], READFLOW_DATA: `${dataDir}-2` }, logFile: path.join(logDir, 'consume-2.log') },
  })
  return {
    pid: (target) => {
      if (target === 'up') return up.pid()
      if (target === 'consume-2') return second.pid()
      const main = mains[target]
      const parent = up.pid()
      return main === undefined || parent === null ? null : childOf(parent, main)
    },
    get ends() {
      return [...up.ends, ...second.ends]
    },
    stop: async () => [await second.stop(), await up.stop()],
  }
}
