import { sleep } from './lifecycle.ts'
import type { StageName } from './stage-names.ts'

/** Tells a stage that waits, for its time or after a failure, to go on at once. */
export interface GoOnMessage {
  type: 'go-on'
  stage: StageName
}

const isGoOnMessage = (message: unknown): message is GoOnMessage =>
  typeof message === 'object' && message !== null && 'type' in message && message.type === 'go-on' && 'stage' in message

/** The program's side of the IPC channel; `process` is one. */
interface Channel {
  on: (event: 'message', listener: (message: unknown) => void) => unknown
}

/** Waits of the stages of this program that a message of `up` ends before their time. */
export const createWaits = (channel: Channel = process as Channel) => {
  const waiting = new Map<StageName, AbortController>()
  const listeners = new Map<StageName, () => void>()
  channel.on('message', (message) => {
    if (!isGoOnMessage(message)) return
    const wait = waiting.get(message.stage)
    if (wait) wait.abort()
    else listeners.get(message.stage)?.()
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
  return {
    wait,
    /** Hears of being told while the stage waits for nothing; one listener a stage. Returns what ends that. */
    onGoOn: (stage: StageName, listener: () => void): (() => void) => {
      listeners.set(stage, listener)
      return () => void (listeners.get(stage) === listener && listeners.delete(stage))
    },
  }
}
