import type { StageName } from './stage-names.ts'
import type { StageRuns } from './stage-runs.ts'

/** `runs` is null until the stage's program has said something of it. */
export interface StageStatus {
  name: StageName
  state: 'waiting' | 'running' | 'pausing' | 'paused'
  runs: StageRuns | null
}

/** What `up` tells the API about itself, so that the page can show it. Times are ISO text in UTC. */
export interface UpStatus {
  phase: 'setting-up' | 'running' | 'stopping'
  startedAt: string
  /** Set-up, in order. `seconds` is how long the step has taken so far; null before it began. */
  steps: { name: string; state: 'waiting' | 'running' | 'done' | 'failed'; detail: string; seconds: number | null }[]
  programs: {
    name: string
    state: 'waiting' | 'starting' | 'running' | 'restarting' | 'failed' | 'stopped'
    restarts: number
    lastError: string | null
    /** What the program itself says a person must look at while it runs on; null where all is well. */
    warning: string | null
  }[]
  /** What runs of the flow. `waiting`: its program is not up. `pausing`: it is to pause and has not yet. */
  stages: StageStatus[]
  /** Where things are; null where they are not up yet. `brokers` has commas between. */
  links: { page: string | null; brokers: string | null; registry: string | null; lake: string | null }
  source: { uri: string; isGenerated: boolean }
}

/** What a person asks of a stage: to run now, to be tried again after a failure, to pause, to run again after that. */
export const stageVerbs = ['run', 'retry', 'pause', 'resume'] as const
export type StageVerb = (typeof stageVerbs)[number]

/** The IPC message by which the API hands on what a person asks of a stage. */
export interface StageAskMessage {
  type: 'stage-ask'
  stage: StageName
  verb: StageVerb
}

export const isStageAskMessage = (message: Record<string, unknown>): message is Record<string, unknown> & StageAskMessage =>
  message['type'] === 'stage-ask'

/** The IPC message that carries what `up` tells. */
export interface UpStatusMessage {
  type: 'up-status'
  status: UpStatus
}

/** Whether an IPC message is `up`'s status; other messages are none of the reader's business. */
export const isUpStatusMessage = (message: unknown): message is UpStatusMessage =>
  typeof message === 'object' && message !== null && 'type' in message && message.type === 'up-status' && 'status' in message
