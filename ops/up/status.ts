import type { UpStatus } from '../../runtime/up-status.ts'

type StepState = UpStatus['steps'][number]['state']
type ProgramState = UpStatus['programs'][number]['state']

/** Keeps what `up` knows of itself, and tells `onChange` of every change. */
export const createStatus = (options: {
  steps: readonly string[]
  programs: readonly string[]
  stages: UpStatus['stages']
  source: UpStatus['source']
  lake: string
  nowMs: () => number
  onChange: (status: UpStatus) => void
}) => {
  const began = new Map<string, number>()
  const status: UpStatus = {
    phase: 'setting-up',
    startedAt: new Date(options.nowMs()).toISOString(),
    steps: options.steps.map((name) => ({ name, state: 'waiting', detail: '', seconds: null })),
    programs: options.programs.map((name) => ({ name, state: 'waiting', restarts: 0, lastError: null, warning: null })),
    stages: options.stages,
    links: { page: null, brokers: null, registry: null, lake: options.lake },
    source: options.source,
  }
  const changed = () => options.onChange(structuredClone(status))

  return {
    current: () => structuredClone(status),
    step: (name: string, state: StepState, detail = '') => {
      const step = status.steps.find((each) => each.name === name)
      if (!step) return
      if (state === 'running' && !began.has(name)) began.set(name, options.nowMs())
      const beganMs = began.get(name)
      Object.assign(step, {
        state,
        detail: detail || step.detail,
        seconds: beganMs === undefined ? null : Math.round((options.nowMs() - beganMs) / 100) / 10,
      })
      changed()
    },
    program: (name: string, state: ProgramState, lastError: string | null, restarts: number) => {
      const program = status.programs.find((each) => each.name === name)
      if (!program) return
      Object.assign(program, { state, restarts, lastError: lastError ?? program.lastError })
      changed()
    },
    warning: (name: string, warning: string | null) => {
      const program = status.programs.find((each) => each.name === name)
      if (!program || program.warning === warning) return
      program.warning = warning
      changed()
    },
    stages: (stages: UpStatus['stages']) => {
      status.stages = stages
      changed()
    },
    phase: (phase: UpStatus['phase']) => {
      status.phase = phase
      changed()
    },
    links: (links: Partial<UpStatus['links']>) => {
      Object.assign(status.links, links)
      changed()
    },
    source: (source: Partial<UpStatus['source']>) => {
      Object.assign(status.source, source)
      changed()
    },
  }
}

export type StatusKeeper = ReturnType<typeof createStatus>
