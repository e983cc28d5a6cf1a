import type { GateHold } from '../../lake/gate-log.ts'
import { holdReason } from '../pipeline/gate.ts'
import { Problem } from './problem.ts'

/** No published Gold to answer from, yet: there is none, or the first one is held. */
export const noGoldYet = (held: GateHold | null): Problem =>
  new Problem(
    503,
    held
      ? `No Gold is published yet: the first one is held since ${held.since}: ${holdReason(held)} /v1/gate says more.`
      : 'No Gold is published yet: the pipeline is starting or has no data. Try again in a few seconds; /readyz says what is missing.',
    {
      headers: { 'Retry-After': '5', ...(held ? { 'ReadFlow-Held-Since': held.since } : {}) },
    },
  )
