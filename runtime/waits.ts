import { sleep } from './lifecycle.ts'
import type { StageName } from './up-status.ts'

/** Tells a stage that waits, such as after a failure, to go on at once. The API sends it to `up`, and `up` to the program. */
export interface RetryMessage {
  type: 'retry'
  stage: StageName
}

export const isRetryMessage = (message: unknown): message is RetryMessage =>
  typeof message === 'object' && message !== null && 'type' in message && message.type === 'retry' && 'stage' in message

/** The program's side of the IPC channel; `process` is one. */
interface Channel {
  on: (event: 'message', listener: (message: unknown) => void) => unknown
}

/** Waits of the stages of this program that a message of `up` ends before their time. */
export const createWaits = (channel: Channel = process as Channel) => {
  const waiting = new Map<StageName, AbortController>()
  channel.on('message', (message) => {
    if (isRetryMessage(message)) waiting.get(message.stage)?.abort()
  })
  /** True where it was told to go on before the time was over. Rejects where `signal` is aborted. */
  const wait = async (stage: StageName, delayMs: number, signal: AbortSignal): Promise<boolean> => {
    const early = new AbortController()
    waiting.set(stage, early)
    try {
      await sleep(delayMs, AbortSignal.any([signal, early.signal]))
      return false
    } catch (error) {
      if (signal.aborted || !early.signal.aborted) throw error
      return true
    } finally {
      if (waiting.get(stage) === early) waiting.delete(stage)
    }
  }
  return { wait }
}
