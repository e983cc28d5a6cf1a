import { mayDiffer } from '../../lake/delta/data-change.ts'
import type { Snapshot } from '../../lake/delta/snapshot.ts'
import type { Table } from '../../lake/delta/table.ts'
import {
  type Evaluated,
  type GateHold,
  type HeldEvent,
  isHolding,
  openState,
  pruneGate,
  readEvaluated,
  readGate,
  writeEvaluated,
} from '../../lake/gate-log.ts'
import type { Published } from '../../lake/published.ts'
import type { ObjectStore } from '../../lake/store/store.ts'
import type { DuckDb } from '../../runtime/duckdb.ts'
import { ReadflowError } from '../../runtime/errors.ts'
import type { EntityName } from '../../schemas/records.ts'
import type { Audit, AuditedTable, CheckResult } from '../checks/check.ts'
import { changeOf } from '../publish.ts'
import type { GoldName } from '../tables.ts'
import { finishRelease } from './release.ts'
import { afterHeld, afterPassed, holdingChecks, isTryDue, recoveredIds } from './state.ts'
import type { GateTables } from './tables.ts'
import { writeGate } from './write.ts'

/** Entries of the gate's records that stay, besides those that are needed and what a person did. */
const KEPT_ENTRIES = 100

export interface GateOptions extends GateTables {
  audit: Audit | undefined
  /** What the audit would see in the intake besides Silver: another text than the last time, something to check. */
  intakeMark: (() => Promise<string>) | undefined
  runId: string
  /** The Gold that a build goes on from. */
  published: Published | null
  silver: Readonly<Record<EntityName, Snapshot>>
  silverTables: Readonly<Record<EntityName, Table>>
  /** A held build is tried again though it is not time and Silver is as it was: a person asked, or the program is new. */
  isRetry: boolean
}

/** What stands between staging and publishing a build. */
export interface BuildGate {
  /** Whether a build is to be made, where there are changes. */
  isDue: () => Promise<boolean>
  /** Checks a staged build. What holds it is on record then; null: it may be published. */
  audit: (duckdb: DuckDb, staged: readonly Staged[], publish: HeldEvent['publish']) => Promise<GateHold | null>
  /** Where there is nothing to build: checks what came to Silver since, of which no row changed, and gives what holds Gold now. */
  auditIntake: (onBegin: () => void) => Promise<GateHold | null>
  /** The audited build is published as that version. */
  passed: (version: number) => Promise<void>
}

type Staged = AuditedTable & { name: GoldName; removes: AuditedTable['removes'] }

/** Finishes a release that died, so that a build goes on from the Gold that it publishes. To be called before anything is read. */
export const settleGate = async (tables: GateTables): Promise<void> => {
  await finishRelease(tables)
}

/** The gate of one build. */
export const openGate = async (options: GateOptions): Promise<BuildGate> => {
  const { store, audit, intakeMark, runId, published, silver, silverTables, isRetry, nowMs } = options
  const baseVersion = published?.version ?? null
  const inputs = versionsOf(silver)
  const now = () => new Date(nowMs()).toISOString()
  const { hold: before, waived } = (await settled(store, published, now()))?.state ?? openState
  let checks: CheckResult[] = []
  const mark = await (audit && intakeMark)?.()
  const counted = { delivered: countedOf(silver, /\/(valid|late|repeat|dead)$/), dead: countedOf(silver, /\/dead$/) }
  const noteChecked = () => noteEvaluated(store, { run: runId, at: now(), inputs, ...counted, ...(mark ? { mark } : {}) })
  const isMarkNew = async () => mark !== undefined && mark !== ((await knownEvaluated(store))?.mark ?? '')

  const evaluate = async (duckdb: DuckDb | null, staged: readonly Staged[], publish: HeldEvent['publish']): Promise<GateHold | null> => {
    const lastEvaluated = (await knownEvaluated(store))?.inputs ?? null
    checks = await audit!({ duckdb, staged, silver, published, lastEvaluated, nowMs: nowMs(), runId })
    if (holdingChecks(checks, waived).length === 0) return null
    const at = now()
    const entry = await writeGate(store, at, (state, number) => {
      if (state.releasing !== null)
        throw new ReadflowError('lake-conflict', 'a held build is being released; this one is made again after it')
      const failed = holdingChecks(checks, state.waived)
      if (failed.length === 0) throw new ReadflowError('lake-conflict', 'what failed was waived meanwhile; this build is made again')
      const event: HeldEvent = { kind: 'held', run: runId, checks: failed, baseVersion, changes: staged.map(changeOf), publish }
      return { event, state: afterHeld(state, { number, at, event, inputs }) }
    })
    const { releasable, hold } = entry!.state
    await noteChecked()
    await pruneGate(store, { keepNewest: KEPT_ENTRIES, keep: new Set(releasable.map(({ number }) => number)) })
    return hold
  }

  const passed = async (version: number | null) => {
    if (!audit) return
    await noteChecked()
    const recovered = recoveredIds(checks, waived)
    if (before === null && recovered.length === 0) return
    await writeGate(store, now(), (state) => ({
      event: { kind: 'passed', run: runId, goldVersion: version, recovered },
      state: afterPassed(state, recovered),
    }))
  }

  const isTime = () => before === null || isRetry || isTryDue(before, nowMs())

  return {
    isDue: async () => {
      if (!before || isRetry) return true
      if (!isTime()) return false
      return !before.isStaged || (await isMarkNew()) || mayDifferFrom(before.inputs, silver, silverTables)
    },
    audit: async (duckdb, staged, publish) => (audit ? evaluate(duckdb, staged, publish) : null),
    auditIntake: async (onBegin) => {
      // What holds staged rows is ended by rows, not by what never became one.
      if (!audit || before?.isStaged || !isTime()) return before
      if (Object.values(inputs).every((version) => version < 0)) return before
      const last = await knownEvaluated(store)
      const isNew = JSON.stringify([last?.delivered, last?.dead]) !== JSON.stringify([counted.delivered, counted.dead])
      if (!isNew && !(await isMarkNew()) && !(isRetry && before)) return before
      const hold = await evaluate(null, [], {})
      // What finds nothing, and ends nothing, leaves no trace as a run.
      if (hold !== null || before !== null) onBegin()
      if (hold === null) await passed(null)
      return hold
    },
    passed,
  }
}

/** The newest entry, once a hold that Gold has moved past is closed. */
const settled = async (store: ObjectStore, published: Published | null, at: string) => {
  const newest = await readGate(store)
  const goldVersion = published?.version ?? null
  if (!newest?.state.hold || isHolding(newest.state.hold, goldVersion)) return newest
  return writeGate(store, at, (state) =>
    state.hold === null || isHolding(state.hold, goldVersion)
      ? null
      : { event: { kind: 'passed', run: published?.publishId ?? '', goldVersion, recovered: [] }, state: afterPassed(state, []) },
  )
}

const mayDifferFrom = async (
  inputs: Readonly<Record<string, number>>,
  silver: GateOptions['silver'],
  tables: GateOptions['silverTables'],
): Promise<boolean> => {
  for (const [entity, { version }] of Object.entries(silver) as [EntityName, Snapshot][])
    if (version !== (inputs[entity] ?? -1) && (await mayDiffer(tables[entity], inputs[entity] ?? -1, version))) return true
  return false
}

const versionsOf = (silver: GateOptions['silver']): Record<string, number> =>
  Object.fromEntries(Object.entries(silver).map(([entity, { version }]) => [entity, version]))

/** The sum of those counters in Silver's ledgers, by entity. */
const countedOf = (silver: GateOptions['silver'], counters: RegExp): Record<string, number> =>
  Object.fromEntries(
    Object.entries(silver).map(([entity, { txns }]) => {
      let sum = 0
      for (const [appId, count] of txns) if (counters.test(appId)) sum += count
      return [entity, sum]
    }),
  )

/** What was read or written last, so that an idle system asks the store once. Another writer's may be newer: one check more. */
const known = new WeakMap<ObjectStore, Evaluated | null>()

const knownEvaluated = async (store: ObjectStore): Promise<Evaluated | null> => {
  if (!known.has(store)) known.set(store, await readEvaluated(store))
  return known.get(store) ?? null
}

const noteEvaluated = async (store: ObjectStore, evaluated: Evaluated) => {
  await writeEvaluated(store, evaluated)
  known.set(store, evaluated)
}
