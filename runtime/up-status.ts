/** What can be paused, each by itself. */
export const stageNames = ['poll', 'bronze', 'silver', 'clean', 'gold'] as const
export type StageName = (typeof stageNames)[number]

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
  stages: { name: StageName; state: 'waiting' | 'running' | 'pausing' | 'paused' }[]
  /** Where things are; null where they are not up yet. `brokers` has commas between. */
  links: { page: string | null; brokers: string | null; registry: string | null; lake: string | null }
  source: { uri: string; isGenerated: boolean }
}

/** The IPC message that carries it. */
export interface UpStatusMessage {
  type: 'up-status'
  status: UpStatus
}

/** Whether an IPC message is `up`'s status; other messages are none of the reader's business. */
export const isUpStatusMessage = (message: unknown): message is UpStatusMessage =>
  typeof message === 'object' && message !== null && 'type' in message && message.type === 'up-status' && 'status' in message
