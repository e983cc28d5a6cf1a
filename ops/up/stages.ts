import type { PauseMessage, StageMessage } from '../../runtime/pausable.ts'
import { dependentsOf, type StageName } from '../../runtime/stage-names.ts'
import { isStageRunsMessage, type StageRuns } from '../../runtime/stage-runs.ts'
import type { StageStatus, StageVerb } from '../../runtime/up-status.ts'
import type { GoOnMessage } from '../../runtime/waits.ts'

export interface StagesOptions<Program extends string> {
  /** Every stage that runs here, with its program. */
  programOf: ReadonlyMap<StageName, Program>
  /** Those that start paused. */
  paused: readonly StageName[]
  send: (program: Program, message: PauseMessage | GoOnMessage) => void
  /** Starts a program that has ended at once, in the place of when its time comes. */
  startNow?: (program: Program) => void
  onChange: (stages: StageStatus[]) => void
  nowMs?: () => number
}

const isStageMessage = (message: Record<string, unknown>): message is Record<string, unknown> & StageMessage => message['type'] === 'stage'

/**
 * Remembers which stages are to be paused, for as long as this `up` lives, and what each one does by its
 * program's own word. A program that is started again is told what is paused by `pausedNow`.
 */
export const createStages = <Program extends string>(options: StagesOptions<Program>) => {
  const { programOf, paused, send, startNow = () => undefined, onChange, nowMs = Date.now } = options
  /**
   * `told` is what the program says it does since our `seq`-th message; null before it says so. `failures` are those before
   * its process was started. `retriedMs`: when it was tried again, as long as those that depend on it wait for that.
   */
  const stages = new Map(
    [...programOf].map(([name, program]) => [
      name,
      {
        program,
        isToPause: paused.includes(name),
        seq: 0,
        told: null as StageMessage['state'] | null,
        runs: null as StageRuns | null,
        failures: 0,
        retriedMs: null as number | null,
      },
    ]),
  )
  const list = (): StageStatus[] =>
    Array.from(stages, ([name, { isToPause, told, runs }]) => {
      const isAsWanted = told === (isToPause ? 'paused' : 'running')
      return { name, state: isAsWanted ? told : isToPause ? 'pausing' : 'waiting', runs }
    })

  const goOn = (name: StageName) => {
    const stage = stages.get(name)
    if (!stage || stage.isToPause) return
    startNow(stage.program)
    send(stage.program, { type: 'go-on', stage: name })
  }
  const retry = (name: StageName) => {
    const stage = stages.get(name)
    if (!stage) return
    stage.retriedMs = nowMs()
    goOn(name)
  }
  const pause = (name: StageName, isToPause: boolean): boolean => {
    const stage = stages.get(name)
    if (!stage || stage.isToPause === isToPause) return false
    Object.assign(stage, { isToPause, seq: stage.seq + 1, told: null })
    send(stage.program, { type: isToPause ? 'pause' : 'resume', stage: name, seq: stage.seq })
    onChange(list())
    return true
  }

  const receiveRuns = (name: StageName, said: StageRuns) => {
    const stage = stages.get(name)
    if (!stage) return
    const isWell = said.last !== null && said.last.outcome !== 'failed'
    if (isWell) stage.failures = 0
    stage.runs = { ...said, last: said.last ?? stage.runs?.last ?? null, attempt: said.attempt + stage.failures }
    if (isWell && stage.retriedMs !== null && Date.parse(said.last!.startedAt) >= stage.retriedMs) {
      stage.retriedMs = null
      // What depends on it may wait after a failure of its own.
      for (const dependent of dependentsOf[name]) retry(dependent)
    }
    onChange(list())
  }

  return {
    list,
    pausedNow: (): StageName[] => [...stages].flatMap(([name, { isToPause }]) => (isToPause ? [name] : [])),
    /**
     * Does what a person asks of a stage. Returns whether a pause or resume was new; `list` tells when it is so. A stage that
     * is tried again has those that depend on it follow, once it has done well.
     */
    ask: (name: StageName, verb: StageVerb): boolean => {
      if (verb === 'pause' || verb === 'resume') return pause(name, verb === 'pause')
      if (verb === 'retry') retry(name)
      else goOn(name)
      return true
    },
    started: (program: Program) => {
      for (const stage of stages.values()) if (stage.program === program) Object.assign(stage, { told: null, seq: 0 })
      onChange(list())
    },
    /** A program has ended: what ran in it has failed by that, where nobody has asked for it. */
    ended: (program: Program, lastError: string | null, isAsked = false) => {
      for (const stage of stages.values()) {
        if (stage.program !== program) continue
        stage.told = null
        if (!stage.runs) continue
        const { last, attempt } = stage.runs
        const isRunning = stage.runs.isRunning && !isAsked
        const at = new Date(nowMs()).toISOString()
        const failed = { startedAt: at, endedAt: at, outcome: 'failed' as const, detail: lastError ?? 'its program ended' }
        if (isRunning) stage.failures = attempt
        else stage.failures = attempt - 1
        stage.runs = { ...stage.runs, isRunning: false, nextAt: null, last: isRunning ? failed : last, attempt: stage.failures + 1 }
      }
      onChange(list())
    },
    /** A message of a program; others than of a stage are none of ours. An answer to an older message is none. */
    receive: (message: Record<string, unknown>) => {
      if (isStageRunsMessage(message)) return receiveRuns(message.stage, message.runs)
      if (!isStageMessage(message)) return
      const stage = stages.get(message.stage)
      if (!stage || stage.seq !== message.seq) return
      stage.told = message.state
      if (message.state === 'paused' && stage.runs) stage.runs = { ...stage.runs, isRunning: false, nextAt: null }
      onChange(list())
    },
  }
}

export type StageKeeper = ReturnType<typeof createStages>
