export type RunKind = 'poll' | 'build' | 'optimize' | 'vacuum' | 'replay'

/**
 * `held`: a build whose checks failed, so that nothing was published. `aborted`: stopped before its end, or its process
 * was gone when somebody looked.
 */
export type RunState = 'started' | 'completed' | 'failed' | 'held' | 'aborted'

export const runKinds = ['poll', 'build', 'optimize', 'vacuum', 'replay'] as const satisfies readonly RunKind[]
export const runStates = ['started', 'completed', 'failed', 'held', 'aborted'] as const satisfies readonly RunState[]

/** Something that a run read or wrote. */
export interface Dataset {
  type: 'table' | 'topic' | 'source'
  /** A table as `silver.books`, a topic by its name, a source by its own. */
  name: string
  /** Delta version of a table; of a topic the offsets, as `0:120-180` (partition, first, next); absent where nobody knows. */
  version?: number | string
  /** Rows or records that were read from it or written to it; of a Gold table all that it has then. */
  rows?: number
}

export interface Run {
  /** A UUID. A poll's is the header `readflow.poll-id` of what it published; a build's is the publish id. */
  runId: string
  kind: RunKind
  /** What is done again and again, such as `build gold`: runs of one job are attempts at the same thing. */
  job: string
  program: string
  state: RunState
  startedMs: number
  endedMs: number | null
  /** 1 for the first; one more for each time in a row that the job failed or was left behind before. */
  attempt: number
  /** One line: why it failed, is held or was aborted. */
  error: string | null
  inputs: readonly Dataset[]
  outputs: readonly Dataset[]
  counts: Readonly<Record<string, number>>
  parentRunId: string | null
  host: string
  pid: number
  /** When this state was noted. */
  recordedMs: number
}
