import { appendRows } from '../../lake/delta/append-rows.ts'
import type { Table } from '../../lake/delta/table.ts'
import { ReadflowError } from '../../runtime/errors.ts'
import type { Log } from '../../runtime/log.ts'
import { systemFields, systemTables } from '../../schemas/system-tables.ts'
import { openRowQueue } from '../row-queue.ts'
import { type Drift, driftId } from './drift.ts'
import { rowOf } from './row.ts'

export interface DriftRecorder {
  /** Notes a finding. One that is on record already, whoever found it, is not noted again. */
  record: (drift: Drift) => void
  /** Whether all that was noted is on record, waiting some seconds for it at most. */
  settled: () => Promise<boolean>
  /** Writes what is waiting, within some seconds. */
  close: () => Promise<void>
}

export interface DriftRecorderOptions {
  table: Table
  log: Log
  /** Told of each finding that this process put on record. */
  onRecorded?: ((drift: Drift) => void) | undefined
  nowMs?: () => number
}

const MAX_ATTEMPTS = 5
const appIdOf = (drift: Drift) => `readflow.drift/${driftId(drift)}`

/**
 * Keeps findings in `ops/drift`, each once: a `txn` of its id is in the commit that adds it, which requires that there was
 * none. So neither restarts nor several processes write it again. No work waits for a row or fails by it.
 */
export const openDriftRecorder = ({ table, log, onRecorded, nowMs = Date.now }: DriftRecorderOptions): DriftRecorder => {
  const seen = new Set<string>()

  const writeNew = async (drifts: readonly Drift[]) => {
    const { txns } = await table.snapshot()
    const fresh = drifts.filter((drift) => !txns.has(appIdOf(drift)))
    if (fresh.length === 0) return
    await appendRows(table, {
      fields: systemFields(systemTables.drift),
      partitionColumns: systemTables.drift.partitionColumns,
      rows: fresh.map((drift) => rowOf(drift, nowMs())),
      txns: fresh.map((drift) => ({ appId: appIdOf(drift), version: 1 })),
      requires: { txns: fresh.map((drift) => ({ appId: appIdOf(drift), version: null })) },
    })
    for (const drift of fresh) {
      const { entity, field, kind, before, after, sample, policy } = drift
      log.warn({ entity, field, kind, before, after, sample, policy }, 'schema drift')
      onRecorded?.(drift)
    }
  }

  const queue = openRowQueue<Drift>({
    what: 'schema drifts',
    log,
    write: async (drifts) => {
      for (let attempt = 1; ; attempt++) {
        try {
          return await writeNew(drifts)
        } catch (error) {
          // Another process noted one of them in between.
          if (!(error instanceof ReadflowError && error.code === 'lake-fenced') || attempt === MAX_ATTEMPTS) throw error
        }
      }
    },
  })

  return {
    record: (drift) => {
      const id = driftId(drift)
      if (seen.has(id)) return
      seen.add(id)
      queue.push(drift)
    },
    settled: queue.settled,
    close: queue.close,
  }
}
