import { type GateEntry, type GateHold, isHolding, listGate, readGate } from '../../lake/gate-log.ts'
import { readPublished } from '../../lake/published.ts'
import type { ObjectStore } from '../../lake/store/store.ts'
import { follow } from '../../runtime/follow.ts'
import type { Log } from '../../runtime/log.ts'

export interface GateReader {
  /** What holds Gold, as it was last seen; null where nothing does. */
  held: () => GateHold | null
  /** How things stand, with the newest `limit` entries of the gate's records. */
  read: (limit: number) => Promise<Record<string, unknown>>
  /** Looks again. Rejects where the lake does not answer; what was seen before stays. */
  refresh: () => Promise<void>
  /** Looks from now on, every `intervalMs`, until it is closed. Faults go to the log, once each. */
  follow: (intervalMs: number) => void
  close: () => Promise<void>
}

/** Knows what holds Gold, so that every answer can say so and none waits for it. */
export const openGateReader = ({ store, log }: { store: ObjectStore; log: Log }): GateReader => {
  const controller = new AbortController()
  let held: GateHold | null = null

  const holdOf = async (entry: GateEntry | null): Promise<GateHold | null> => {
    const hold = entry?.state.hold ?? null
    return hold && isHolding(hold, (await readPublished(store))?.version ?? null) ? hold : null
  }
  const refresh = async () => {
    held = await holdOf(await readGate(store))
  }
  const followUntilClosed = (intervalMs: number) =>
    follow({
      look: refresh,
      complain: (error) => log.warn({ error }, 'whether gold is held is not known'),
      intervalMs,
      signal: controller.signal,
    })
  let following: Promise<void> | undefined

  return {
    held: () => held,
    refresh,
    read: async (limit) => {
      const entries = await listGate(store, { limit })
      const { releasable = [], waived = [] } = entries[0]?.state ?? {}
      const hold = await holdOf(entries[0] ?? null)
      return {
        held: hold && { ...shapeHold(hold), releasable: releasable.map(({ run }) => run) },
        waived,
        history: entries.map(shapeEntry),
      }
    },
    follow: (intervalMs) => {
      following ??= followUntilClosed(intervalMs)
    },
    close: async () => {
      controller.abort()
      await following
    },
  }
}

const shapeChecks = (checks: GateHold['checks']) => checks.map(({ sampleKeys, ...check }) => ({ ...check, sample_keys: sampleKeys }))

/** A hold as the API tells it. `version` is the Gold version that stays. */
export const shapeHold = (hold: GateHold) => ({
  since: hold.since,
  reason: holdReason(hold),
  run: hold.run,
  run_at: hold.at,
  runs: hold.runs,
  version: hold.baseVersion,
  is_staged: hold.isStaged,
  checks: shapeChecks(hold.checks),
})

/** In one line, what holds Gold. */
export const holdReason = ({ checks: [first, ...others] }: GateHold): string =>
  `${first?.message ?? 'A check failed.'}${others.length > 0 ? ` (${others.length} more ${others.length === 1 ? 'check' : 'checks'} failed)` : ''}`

const shapeEntry = ({ at, event }: GateEntry) => {
  const { kind, run } = event
  if (kind === 'held') return { at, kind, run, version: event.baseVersion, checks: shapeChecks(event.checks) }
  if (kind === 'release') return { at, kind, run, by: event.by, why: event.why, waived: event.checks.map(({ id }) => id) }
  if (kind === 'abandoned') return { at, kind, run, reason: event.reason }
  return { at, kind, run, version: event.goldVersion, ...(kind === 'passed' ? { recovered: event.recovered } : {}) }
}
