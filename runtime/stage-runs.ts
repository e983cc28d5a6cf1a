import { errorLine } from './errors.ts'
import type { StageName } from './stage-names.ts'

/** When a stage runs, how its last run went and when the next one comes, by its own word. Times are ISO text in UTC. */
export interface StageRuns {
  /** In words, such as `every 10m`. */
  schedule: string
  isRunning: boolean
  /** The newest run that has ended, and one line of what it did or why it failed. */
  last: { startedAt: string; endedAt: string; outcome: StageOutcome; detail: string } | null
  /** When it runs by itself next; null where it runs now, or never again by itself. */
  nextAt: string | null
  /** 1 where the last run was well; one more for each that failed since then. */
  attempt: number
  /** Runs since the program's start that have ended. */
  ended: number
}

/** `held`: its checks failed, so that nothing was published. */
export type StageOutcome = 'completed' | 'failed' | 'held'

/** The IPC message that carries it to `up`. */
export interface StageRunsMessage {
  type: 'stage-runs'
  stage: StageName
  runs: StageRuns
}

export const isStageRunsMessage = (message: Record<string, unknown>): message is Record<string, unknown> & StageRunsMessage =>
  message['type'] === 'stage-runs'

/** The program's side of the IPC channel; `process` is one, and one without a parent has no `send`. */
interface Channel {
  send?: ((message: StageRunsMessage) => unknown) | undefined
}

/** What a stage calls as it runs. */
export interface StageReport {
  began: () => void
  /** `nextMs`: when it runs next, in epoch ms; null for never again by itself. */
  ended: (outcome: Exclude<StageOutcome, 'failed'>, detail: string, nextMs: number | null) => void
  /** A run, or a step of one, that failed and is tried again at `nextMs`. */
  failed: (error: unknown, nextMs: number | null) => void
  /** It waits, such as for its first time. */
  waits: (nextMs: number | null) => void
}

/** Keeps what a stage says of its runs, and tells `up` of every change. */
export const createStageReport = (
  { stage, schedule, nowMs = Date.now }: { stage: StageName; schedule: string; nowMs?: () => number },
  channel: Channel = process as Channel,
): StageReport => {
  let runs: StageRuns = { schedule, isRunning: false, last: null, nextAt: null, attempt: 1, ended: 0 }
  let beganMs: number | null = null
  const iso = (ms: number | null) => (ms === null || !Number.isFinite(ms) ? null : new Date(ms).toISOString())
  const tell = (change: Partial<StageRuns>) => {
    runs = { ...runs, ...change }
    channel.send?.({ type: 'stage-runs', stage, runs })
  }
  const end = (outcome: StageOutcome, detail: string, nextMs: number | null) => {
    const last = { startedAt: iso(beganMs ?? nowMs())!, endedAt: iso(nowMs())!, outcome, detail }
    beganMs = null
    const attempt = outcome === 'failed' ? runs.attempt + 1 : 1
    tell({ isRunning: false, last, nextAt: iso(nextMs), attempt, ended: runs.ended + 1 })
  }
  tell({})
  return {
    began: () => {
      if (beganMs !== null) return
      beganMs = nowMs()
      tell({ isRunning: true, nextAt: null })
    },
    ended: end,
    failed: (error, nextMs) => end('failed', errorLine(error), nextMs),
    waits: (nextMs) => {
      beganMs = null
      tell({ isRunning: false, nextAt: iso(nextMs) })
    },
  }
}
