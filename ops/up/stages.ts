import type { PauseMessage, StageMessage } from '../../runtime/pausable.ts'
import type { StageName, UpStatus } from '../../runtime/up-status.ts'
import type { RetryMessage } from '../../runtime/waits.ts'

type Stages = UpStatus['stages']

export interface StagesOptions<Program extends string> {
  /** Every stage that runs here, with its program. */
  programOf: ReadonlyMap<StageName, Program>
  /** Those that start paused. */
  paused: readonly StageName[]
  send: (program: Program, message: PauseMessage | RetryMessage) => void
  onChange: (stages: Stages) => void
}

const isStageMessage = (message: Record<string, unknown>): message is Record<string, unknown> & StageMessage => message['type'] === 'stage'

/**
 * Remembers which stages are to be paused, for as long as this `up` lives, and what each one does by its
 * program's own word. A program that is started again is told what is paused by `pausedNow`.
 */
export const createStages = <Program extends string>({ programOf, paused, send, onChange }: StagesOptions<Program>) => {
  /** `told` is what the program says it does since our `seq`-th message; null before it says so. */
  const stages = new Map(
    [...programOf].map(([name, program]) => [
      name,
      { program, isToPause: paused.includes(name), seq: 0, told: null as StageMessage['state'] | null },
    ]),
  )
  const list = (): Stages =>
    Array.from(stages, ([name, { isToPause, told }]) => {
      const isAsWanted = told === (isToPause ? 'paused' : 'running')
      return { name, state: isAsWanted ? told : isToPause ? 'pausing' : 'waiting' }
    })
  const forget = (program: Program, isNew: boolean) => {
    for (const stage of stages.values()) {
      if (stage.program !== program) continue
      stage.told = null
      if (isNew) stage.seq = 0
    }
    onChange(list())
  }

  return {
    list,
    pausedNow: (): StageName[] => [...stages].flatMap(([name, { isToPause }]) => (isToPause ? [name] : [])),
    /** Asks for a stage to be paused or to run. Returns whether that was new; `list` tells when it is so. */
    ask: (name: StageName, isToPause: boolean): boolean => {
      const stage = stages.get(name)
      if (!stage || stage.isToPause === isToPause) return false
      Object.assign(stage, { isToPause, seq: stage.seq + 1, told: null })
      send(stage.program, { type: isToPause ? 'pause' : 'resume', stage: name, seq: stage.seq })
      onChange(list())
      return true
    },
    /** Hands a message to the program of its stage; of a stage that does not run here it goes nowhere. */
    pass: (message: RetryMessage) => {
      const stage = stages.get(message.stage)
      if (stage) send(stage.program, message)
    },
    started: (program: Program) => forget(program, true),
    ended: (program: Program) => forget(program, false),
    /** A message of a program; others than of a stage are none of ours. An answer to an older message is none. */
    receive: (message: Record<string, unknown>) => {
      if (!isStageMessage(message)) return
      const stage = stages.get(message.stage)
      if (!stage || stage.seq !== message.seq) return
      stage.told = message.state
      onChange(list())
    },
  }
}

export type StageKeeper = ReturnType<typeof createStages>
