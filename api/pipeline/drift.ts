import { openTable } from '../../lake/delta/table.ts'
import type { ObjectStore } from '../../lake/store/store.ts'
import { DRIFT_ROOT, type RecordedDrift, readDrifts } from '../../lineage/drift/row.ts'

/** All findings on record, newest first. */
export interface DriftNow {
  /** Delta version of `ops/drift`; -1 before the first finding. */
  version: number
  drifts: readonly RecordedDrift[]
}

export interface DriftReader {
  now: () => Promise<DriftNow>
}

/** Reads `ops/drift`, which has each finding once and so stays small; again only where it has a new version. */
export const openDriftReader = ({ store }: { store: ObjectStore }): DriftReader => {
  const table = openTable(store, DRIFT_ROOT)
  let known: { tableId: string; answer: DriftNow } | null = null
  return {
    now: async () => {
      const snapshot = await table.snapshot()
      const tableId = snapshot.metadata?.id ?? ''
      if (known?.tableId === tableId && known.answer.version === snapshot.version) return known.answer
      const answer = { version: snapshot.version, drifts: snapshot.metadata ? await readDrifts(table, snapshot) : [] }
      known = { tableId, answer }
      return answer
    },
  }
}

/** How many findings there are, and when the newest one was made; null before the first. */
export const summariseDrift = ({ drifts: [newest, ...older] }: DriftNow) =>
  newest ? { findings: older.length + 1, newest_found_at: new Date(newest.foundMs).toISOString() } : null

/** A finding as the API gives it: the columns of `ops/drift`. */
export const shapeDrift = (drift: RecordedDrift) => ({
  id: drift.id,
  found_at: new Date(drift.foundMs).toISOString(),
  ...{ entity: drift.entity, field: drift.field, kind: drift.kind, place: drift.place, policy: drift.policy },
  ...{ before: drift.before, after: drift.after, sample: drift.sample },
  ...{ source: drift.source, poll_id: drift.pollId, request_id: drift.requestId },
  ...{ topic: drift.topic, partition: drift.partition, offset: drift.offset, schema_id: drift.schemaId },
})
