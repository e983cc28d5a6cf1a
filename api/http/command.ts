import { type ChildProcess, spawn } from 'node:child_process'
import { nodeFlags, programEnv } from '../../runtime/node-flags.mjs'

export interface CommandOptions {
  file: string
  /** What the program calls itself before what it says. */
  name: string
  args: readonly string[]
  env: Readonly<Record<string, string>>
  /** One that tells more is ended. */
  maxAnswerBytes: number
}

/** How a command ended. */
export interface CommandEnd {
  code: number | null
  /** What it told on its output. */
  answer: string
  /** The last line that it said of itself, without its name; null where it said none. */
  line: string | null
}

/** What a person must change has this code. */
const NEEDS_PERSON = 2

/** The status of a problem that is a command's. */
export const statusOf = ({ code }: CommandEnd): 422 | 503 => (code === NEEDS_PERSON ? 422 : 503)

/**
 * Runs a command of ours that tells JSON, in a process of its own, which ends when this one does. `ended` rejects where it could
 * not be started.
 */
export const startCommand = ({
  file,
  name,
  args,
  env,
  maxAnswerBytes,
}: CommandOptions): { child: ChildProcess; ended: Promise<CommandEnd> } => {
  const child = spawn(process.execPath, [...nodeFlags(name), file, ...args, '--json'], {
    env: programEnv(name, { ...process.env, ...env }),
    // The command ends when this process does: the channel tells it.
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  })
  let [answer, said] = ['', '']
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    answer += text
    if (answer.length > maxAnswerBytes) child.kill('SIGKILL')
  })
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-10_000)
  })
  const ended = new Promise<CommandEnd>((resolve, reject) => {
    child.once('error', (error) => reject(new Error(`The command could not be started: ${error.message}.`, { cause: error })))
    child.once('close', (code) => {
      const line = said.split('\n').findLast((each) => each.startsWith(`${name}: `))
      resolve({ code, answer, line: line?.slice(name.length + 2) ?? null })
    })
  })
  return { child, ended }
}
