import { isRetriable } from './errors.ts'
import type { StageName } from './stage-names.ts'

/** What `up` tells a program. `seq` counts what it was told of this stage. */
export interface PauseMessage {
  type: 'pause' | 'resume'
  stage: StageName
  seq: number
}

/** What a program tells `up`: what the stage does since the `seq`-th message (0: since the program's start). */
export interface StageMessage {
  type: 'stage'
  stage: StageName
  state: 'running' | 'paused'
  seq: number
}

/** The program's side of the IPC channel; `process` is one. */
export interface Channel {
  on: (event: 'message', listener: (message: unknown) => void) => unknown
  send?: ((message: StageMessage) => unknown) | undefined
}

const isPauseMessage = (message: unknown): message is PauseMessage =>
  typeof message === 'object' && message !== null && 'type' in message && (message.type === 'pause' || message.type === 'resume')

/**
 * Lets `up` pause the stages of this program, each by itself, over the IPC channel. `paused` names those
 * that start so.
 */
export const createPausable = (paused: readonly StageName[], channel: Channel = process as Channel) => {
  const gates = new Map<StageName, ReturnType<typeof createGate>>()
  const gateOf = (stage: StageName) => {
    const gate = gates.get(stage) ?? createGate(paused.includes(stage))
    gates.set(stage, gate)
    return gate
  }
  channel.on('message', (message) => {
    if (isPauseMessage(message)) gateOf(message.stage).set(message.type === 'pause', message.seq)
  })

  /**
   * Runs `work` until it ends by itself or `signal` is aborted. While the stage is paused nothing runs: the
   * work's signal is aborted, and once it has ended `up` is told; on resume it begins anew. Returns what
   * the last run gave; undefined where none ran.
   */
  const run = async <T>(stage: StageName, signal: AbortSignal, work: (signal: AbortSignal) => Promise<T>): Promise<T | undefined> => {
    const gate = gateOf(stage)
    const report = (state: StageMessage['state']) => channel.send?.({ type: 'stage', stage, state, seq: gate.seq() })
    let result: T | undefined
    while (!signal.aborted) {
      const { isPaused, changing } = gate.current()
      report(isPaused ? 'paused' : 'running')
      if (isPaused) {
        await aborted(AbortSignal.any([signal, changing]))
        continue
      }
      try {
        result = await work(AbortSignal.any([signal, changing]))
        if (!changing.aborted) return result
      } catch (error) {
        // A fault that was being waited out as the pause came is waited out after it.
        if (!changing.aborted || (error !== changing.reason && !isRetriable(error))) throw error
      }
    }
    return result
  }
  return { run }
}

const createGate = (startsPaused: boolean) => {
  let isPaused = startsPaused
  let lastSeq = 0
  let controller = new AbortController()
  return {
    seq: () => lastSeq,
    /** What holds until `changing` is aborted. */
    current: () => ({ isPaused, changing: controller.signal }),
    set: (wantsPause: boolean, seq: number) => {
      lastSeq = seq
      isPaused = wantsPause
      const changed = controller
      controller = new AbortController()
      changed.abort(new DOMException('the stage is paused', 'AbortError'))
    },
  }
}

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) return resolve()
    signal.addEventListener('abort', () => resolve(), { once: true })
  })
