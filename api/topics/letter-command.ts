import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { createLanes, TooMany } from '../http/lanes.ts'
import { Problem } from '../http/problem.ts'

/** Runs `readflow dlq` with arguments, and gives what it tells in JSON. Throws a Problem in its own words. */
export type LetterCommand = (args: readonly string[]) => Promise<unknown>

const file = fileURLToPath(new URL('../../consumers/letters/main.ts', import.meta.url))
const TIMEOUT_MS = 120_000
const MAX_ANSWER_BYTES = 16 * 1024 ** 2
/** What a person must change has this code. */
const NEEDS_PERSON = 2

/**
 * Dead letters are judged and sent by the command, in a process of its own: it runs Silver's code, which this program has not,
 * and its memory is not ours. One at a time; some wait.
 */
export const createLetterCommand = ({ env }: { env: () => Record<string, string> }): LetterCommand => {
  const lanes = createLanes({ workers: 1, maxWaiting: 4 })
  const run = (args: readonly string[]) =>
    new Promise<unknown>((resolve, reject) => {
      const child = spawn(
        process.execPath,
        ['--disable-warning=ExperimentalWarning', '--disable-warning=TimeoutNegativeWarning', file, ...args, '--json'],
        {
          env: { ...process.env, ...env() },
          // The command ends when this process does: the channel tells it.
          stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
        },
      )
      const timer = setTimeout(() => child.kill('SIGKILL'), TIMEOUT_MS)
      let [answer, said] = ['', '']
      child.stdout?.setEncoding('utf8').on('data', (text: string) => {
        answer += text
        if (answer.length > MAX_ANSWER_BYTES) child.kill('SIGKILL')
      })
      child.stderr?.setEncoding('utf8').on('data', (text: string) => {
        said = (said + text).slice(-10_000)
      })
      const failed = (status: number, why: string) =>
        reject(new Problem(status, why, status === 503 ? { headers: { 'Retry-After': '5' } } : {}))
      child.once('error', (error) => failed(503, `The command could not be started: ${error.message}.`))
      child.once('close', (code) => {
        clearTimeout(timer)
        const line = said
          .split('\n')
          .findLast((each) => each.startsWith('dlq: '))
          ?.slice('dlq: '.length)
        if (code !== 0)
          return failed(code === NEEDS_PERSON ? 422 : 503, line ?? 'It was ended before it was done. What is on record is done; ask again.')
        try {
          resolve(JSON.parse(answer))
        } catch {
          failed(503, 'The command told nothing that can be read. What is on record is done; ask again.')
        }
      })
    })
  return async (args) => {
    try {
      return await lanes.inPlace(() => run(args))
    } catch (error) {
      if (error instanceof TooMany)
        throw new Problem(429, 'Others redrive or discard just now. Try again in some seconds.', { headers: { 'Retry-After': '5' } })
      throw error
    }
  }
}
