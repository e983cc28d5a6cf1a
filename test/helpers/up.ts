import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('../..', import.meta.url))
const launcher = path.join(root, 'bin/readflow.mjs')

/** A folder of the test's own, gone when it ends. */
export const tempDir = async (t: Pick<TestContext, 'after'>): Promise<string> => {
  const dir = await mkdtemp(path.join(tmpdir(), 'readflow-test-'))
  t.after(() => rm(dir, { recursive: true, force: true, maxRetries: 5 }))
  return dir
}

export interface Finished {
  code: number | null
  stdout: string
  stderr: string
}

/** Runs a command of ReadFlow to its end. */
export const readflow = (args: string[], options: { env?: NodeJS.ProcessEnv; timeoutMs?: number } = {}): Promise<Finished> =>
  new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [launcher, ...args], { cwd: root, env: { ...process.env, ...options.env } })
    let stdout = ''
    let stderr = ''
    child.stdout.on('data', (text) => {
      stdout += text
    })
    child.stderr.on('data', (text) => {
      stderr += text
    })
    const timer = setTimeout(() => {
      child.kill('SIGTERM')
      reject(new Error(`readflow ${args.join(' ')} did not end in time\n${stderr.slice(-3000)}`))
    }, options.timeoutMs ?? 240_000)
    child.on('close', (code) => {
      clearTimeout(timer)
      resolve({ code, stdout, stderr })
    })
  })

/** The last line of stdout, which a command prints for machines. */
export const lastJson = ({ stdout, stderr }: Finished) => {
  const line = stdout.trimEnd().split('\n').at(-1) ?? ''
  try {
    return JSON.parse(line)
  } catch {
    throw new Error(`the last line of stdout is no JSON: ${line}\n${stderr.slice(-3000)}`)
  }
}

export interface RunningUp {
  child: ChildProcess
  url: string
  brokers: string
  registry: string
  output: () => string
  stop: () => Promise<number | null>
}

/** The sandbox, of a tenth of its history: for tests that are not about how much there is. */
export const smallSandbox = ['--source', 'sandbox:reviews=4000']

/** Starts `readflow up` on free ports and waits until it says where everything is. */
export const startUp = async (
  t: Pick<TestContext, 'after'>,
  args: string[],
  timeoutMs = 120_000,
  env: NodeJS.ProcessEnv = {},
): Promise<RunningUp> => {
  const child = spawn(process.execPath, [launcher, 'up', '--port', '0', '--kafka-port', '0', '--registry-port', '0', ...args], {
    cwd: root,
    env: { ...process.env, ...env },
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (text) => {
      output += text
    })
  const closed = new Promise<number | null>((resolve) => child.once('close', (code) => resolve(code)))
  const stop = async () => {
    if (child.exitCode === null) child.kill('SIGTERM')
    return closed
  }
  t.after(stop)
  const line = (name: string) => new RegExp(`^  ${name} +(\\S+)$`, 'm').exec(output)?.[1]
  const deadline = Date.now() + timeoutMs
  while (!output.includes('Ctrl-C stops')) {
    if (child.exitCode !== null || Date.now() > deadline) throw new Error(`up did not start:\n${output}`)
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  return {
    child,
    url: (line('page and API') ?? '').replace(/\/$/, ''),
    brokers: line('Kafka') ?? '',
    registry: line('registry') ?? '',
    output: () => output,
    stop,
  }
}

/** Starts `readflow stack` on free ports and waits until it runs; it is stopped when the test ends. */
export const startStackCommand = async (t: Pick<TestContext, 'after'>, dataDir: string): Promise<void> => {
  const child = spawn(process.execPath, [launcher, 'stack', '--data', dataDir, '--kafka-port', '0', '--registry-port', '0'], { cwd: root })
  let output = ''
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (text) => {
      output += text
    })
  const closed = new Promise((resolve) => child.once('close', resolve))
  t.after(() => {
    child.kill('SIGTERM')
    return closed
  })
  await until('the stack', async () => child.exitCode !== null || output.includes('is running'), 120_000)
  if (!output.includes('is running')) throw new Error(`the stack did not start:\n${output}`)
}

/** Starts `readflow serve` with that environment, on a free port unless one is given; it is stopped when the test ends. */
export const startServe = async (t: Pick<TestContext, 'after'>, env: NodeJS.ProcessEnv, args: string[] = ['--port', '0']) => {
  const child = spawn(process.execPath, [launcher, 'serve', ...args], { cwd: root, env: { ...process.env, ...env } })
  let output = ''
  child.stderr.on('data', (text) => {
    output += text
  })
  const closed = new Promise((resolve) => child.once('close', resolve))
  const stop = async () => {
    child.kill('SIGTERM')
    await closed
  }
  t.after(stop)
  const url = await until('the API', async () => /"url":"(http[^"]+)\/"/.exec(output)?.[1])
  return { url, stop, child, output: () => output }
}

/** Waits until `check` gives something; fails with what it waited for. */
export const until = async <T>(what: string, check: () => Promise<T | null | undefined | false>, timeoutMs = 60_000): Promise<T> => {
  const deadline = Date.now() + timeoutMs
  for (;;) {
    const found = await check().catch(() => null)
    if (found) return found
    if (Date.now() > deadline) throw new Error(`waited ${timeoutMs / 1000} s in vain for ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 200))
  }
}

/** Process id of a program that another one has started, by the end of an argument; NaN where there is none. */
export const childOf = (parent: number, main: string): number =>
  Number(
    execFileSync('ps', ['-eo', 'pid=,ppid=,args='], { encoding: 'utf8' })
      .split('\n')
      .map((line) => line.trim().split(/\s+/))
      .find(([, of, ...args]) => Number(of) === parent && args.some((arg) => arg.endsWith(main)))?.[0],
  )
