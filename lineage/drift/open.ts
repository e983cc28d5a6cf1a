import { openTable } from '../../lake/delta/table.ts'
import type { ObjectStore } from '../../lake/store/store.ts'
import { errorLine } from '../../runtime/errors.ts'
import { type DriftRecorder, type DriftRecorderOptions, openDriftRecorder } from './recorder.ts'
import { DRIFT_ROOT, type RecordedDrift, readDrifts } from './row.ts'

export interface Drifts extends DriftRecorder {
  /** All that is on record, newest first. */
  read: () => Promise<RecordedDrift[]>
}

/** The findings of a lake: what is on record, and how to add to it. */
export const openDrift = ({ store, ...rest }: { store: ObjectStore } & Omit<DriftRecorderOptions, 'table'>): Drifts => {
  const { log } = rest
  const warn = (error: unknown) => log.warn({ error: errorLine(error) }, 'no checkpoint of the schema drifts written; a later one will be')
  const table = openTable(store, DRIFT_ROOT, { warn })
  return { ...openDriftRecorder({ table, ...rest }), read: async () => readDrifts(table, await table.snapshot()) }
}
