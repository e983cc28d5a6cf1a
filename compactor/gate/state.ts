import type { GateCheck, GateHold, GateState, HeldEvent, ReleaseEvent, Waiver } from '../../lake/gate-log.ts'

/** Held builds whose staged files are kept, so that they can be released. */
const RELEASABLE_RUNS = 3
const FIRST_RETRY_MS = 60_000
const MAX_RETRY_MS = 10 * 60_000
/** A waiver covers what was measured, give or take so much of it. */
const WAIVED_SHARE = 0.5

/** The failed checks that hold a build: all but those that are waived and measure much the same. */
export const holdingChecks = <C extends GateCheck>(checks: readonly C[], waived: readonly Waiver[]): C[] =>
  checks.filter((check) => check.verdict === 'fail' && !waived.some((waiver) => waiver.id === check.id && covers(waiver, check)))

/** Whether a failed check is still what a person let pass: one that moved by more than half is to be looked at again. */
const covers = (waiver: Waiver, { measured }: GateCheck): boolean => {
  if (measured === null || waiver.measured === null) return measured === waiver.measured
  return Math.abs(measured - waiver.measured) <= WAIVED_SHARE * Math.abs(waiver.measured)
}

/** The waivers that are over, as their checks passed; a check that was not made says nothing. */
export const recoveredIds = (checks: readonly GateCheck[], waived: readonly Waiver[]): string[] =>
  waived.filter(({ id }) => checks.some((check) => check.id === id && check.verdict !== 'fail')).map(({ id }) => id)

/** How things stand after a build was held; its entry will be `number`. */
export const afterHeld = (state: GateState, { number, at, event, inputs }: HeldEntry): GateState => {
  const { run, checks, baseVersion } = event
  const isStaged = event.changes.length > 0
  const before = state.hold?.baseVersion === baseVersion ? state.hold : null
  // What was staged for another Gold, or by nobody, can't be published any more.
  const others = before?.isStaged && isStaged ? state.releasable : []
  return {
    ...state,
    hold: { run, at, since: before?.since ?? at, runs: (before?.runs ?? 0) + 1, baseVersion, inputs, isStaged, checks },
    releasable: [...others, { run, number }].slice(-RELEASABLE_RUNS),
  }
}

interface HeldEntry {
  number: number
  at: string
  event: HeldEvent
  inputs: Readonly<Record<string, number>>
}

/** How things stand after a build passed: nothing holds, and what recovered is waived no more. */
export const afterPassed = (state: GateState, recovered: readonly string[]): GateState => ({
  ...state,
  hold: null,
  releasable: [],
  waived: state.waived.filter(({ id }) => !recovered.includes(id)),
})

/** How things stand after a release is done. A check that was waived before is waived as it is now. */
export const afterReleased = (state: GateState, { run, by, checks }: ReleaseEvent, at: string): GateState => ({
  hold: null,
  releasable: [],
  releasing: null,
  waived: [
    ...state.waived.filter(({ id }) => !checks.some((check) => check.id === id)),
    ...checks.map(({ id, measured }) => ({ id, measured, run, by, at })),
  ],
})

/** Whether the next build may be tried: a minute after the first, ever later, at most ten minutes after the last one. */
export const isTryDue = ({ at, runs }: GateHold, nowMs: number): boolean => {
  const sinceMs = nowMs - Date.parse(at)
  // The last one was of a clock that was ahead: how long ago it was is not known.
  return sinceMs < 0 || sinceMs >= Math.min(MAX_RETRY_MS, FIRST_RETRY_MS * 2 ** Math.min(runs - 1, 10))
}

/** One line for a person: what holds Gold. */
export const holdLine = ({ since, checks, run }: GateHold): string => {
  const [first, ...others] = checks
  const more = others.length > 0 ? ` (and ${others.length} more)` : ''
  // A message is a sentence; it goes on here.
  const what = (first?.message ?? 'failed').replace(/\.$/, '')
  return `Gold is held since ${since}: ${first?.id ?? 'a check'}: ${what}${more}. readflow gate says more; run ${run}.`
}
