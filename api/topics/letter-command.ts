import { fileURLToPath } from 'node:url'
import { startCommand, statusOf } from '../http/command.ts'
import { createLanes, TooMany } from '../http/lanes.ts'
import { Problem } from '../http/problem.ts'

/** Runs `readflow dlq` with arguments, and gives what it tells in JSON. Throws a Problem in its own words. */
export type LetterCommand = (args: readonly string[]) => Promise<unknown>

const file = fileURLToPath(new URL('../../consumers/letters/main.ts', import.meta.url))
const TIMEOUT_MS = 120_000
const MAX_ANSWER_BYTES = 16 * 1024 ** 2

/**
 * Dead letters are judged and sent by the command, in a process of its own: it runs Silver's code, which this program has not,
 * and its memory is not ours. One at a time; some wait.
 */
export const createLetterCommand = ({ env }: { env: () => Record<string, string> }): LetterCommand => {
  const lanes = createLanes({ workers: 1, maxWaiting: 4 })
  const run = async (args: readonly string[]) => {
    const failed = (status: number, why: string) => new Problem(status, why, status === 503 ? { headers: { 'Retry-After': '5' } } : {})
    const { child, ended } = startCommand({ file, name: 'dlq', args, env: env(), maxAnswerBytes: MAX_ANSWER_BYTES })
    const timer = setTimeout(() => child.kill('SIGKILL'), TIMEOUT_MS)
    const end = await ended
      .catch((error: Error) => {
        throw failed(503, error.message)
      })
      .finally(() => clearTimeout(timer))
    if (end.code !== 0) throw failed(statusOf(end), end.line ?? 'It was ended before it was done. What is on record is done; ask again.')
    try {
      return JSON.parse(end.answer) as unknown
    } catch {
      throw failed(503, 'The command told nothing that can be read. What is on record is done; ask again.')
    }
  }
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
