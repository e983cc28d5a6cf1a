import { openTable } from '../../lake/delta/table.ts'
import type { ObjectStore } from '../../lake/store/store.ts'
import { newestMsIn, type SystemBatch, systemBatches } from './system-rows.ts'

const ROOT = 'ops/profiles'

/** What is in one column. */
export interface ColumnProfile {
  column: string
  type: string
  position: number
  /** Null where nothing tells it of the whole table. */
  nulls: number | null
  /** Of so many rows: where an increment derived some months only, of those. Null for lists. */
  distinctValues: number | null
  distinctOfRows: number | null
  isDistinctExact: boolean
  /** As text; null where there is no value, and for lists. */
  min: string | null
  max: string | null
}

export interface TableProfile {
  /** Such as `gold.dim_book`. */
  table: string
  runId: string
  profiledMs: number
  rows: number
  /** In the order of the table. */
  columns: readonly ColumnProfile[]
}

/** The profiles that one build made, by the name of the table. */
export interface ProfilesNow {
  /** Delta version of `ops/profiles`; -1 before the first. */
  version: number
  profiles: readonly TableProfile[]
}

export interface ProfilesReader {
  now: () => Promise<ProfilesNow>
}

const columns = [
  ...['run_id', 'profiled_at', 'table_name', 'column_name', 'column_type', 'position', 'rows', 'nulls'],
  ...['distinct_values', 'distinct_of_rows', 'is_distinct_exact', 'min_value', 'max_value'],
]

/** Reads the newest profiles of `ops/profiles`: a build profiles all tables at once, so that older ones say nothing more. */
export const openProfilesReader = ({ store }: { store: ObjectStore }): ProfilesReader => {
  const table = openTable(store, ROOT)
  let answer: ProfilesNow = { version: -1, profiles: [] }
  let tableId = ''
  let last: Promise<unknown> = Promise.resolve()

  const catchUp = async (): Promise<ProfilesNow> => {
    const snapshot = await table.snapshot()
    const isOther = (snapshot.metadata?.id ?? '') !== tableId
    if (snapshot.version === answer.version && !isOther) return answer
    let newestMs = isOther ? -1 : (answer.profiles[0]?.profiledMs ?? -1)
    let profiles = new Map(isOther ? [] : answer.profiles.map((profile) => [profile.table, profile]))
    const files = [...snapshot.files.values()]
      .map((file) => ({ file, mayBeMs: newestMsIn(file, 'profiled_at') }))
      .sort((a, b) => b.mayBeMs - a.mayBeMs)
    for (const { file, mayBeMs } of files) {
      if (mayBeMs <= newestMs + 1) break
      const found = await newestIn(systemBatches(table, snapshot, [file], columns), newestMs)
      if (found === null) continue
      newestMs = found.profiledMs
      profiles = found.profiles
    }
    tableId = snapshot.metadata?.id ?? ''
    answer = { version: snapshot.version, profiles: [...profiles.values()].sort((a, b) => (a.table < b.table ? -1 : 1)) }
    return answer
  }

  return {
    now: () => {
      const next = last.then(catchUp, catchUp)
      last = next.catch(() => undefined)
      return next
    },
  }
}

/** The newest profiles in a file, where they are newer than `afterMs`. */
const newestIn = async (batches: AsyncGenerator<SystemBatch>, afterMs: number) => {
  let profiledMs = afterMs
  const tables = new Map<string, TableProfile & { columns: ColumnProfile[] }>()
  for await (const batch of batches)
    for (let row = 0; row < batch.length; row++) {
      const value = (column: string) => batch.value(column, row)
      const atMs = value('profiled_at') as number
      if (atMs < profiledMs || atMs === afterMs) continue
      if (atMs > profiledMs) tables.clear()
      profiledMs = atMs
      const name = `gold.${value('table_name')}`
      const rows = value('rows') as number
      const profile = tables.get(name) ?? { table: name, runId: value('run_id') as string, profiledMs, rows, columns: [] }
      profile.columns.push(columnAt(batch, row))
      tables.set(name, profile)
    }
  if (tables.size === 0) return null
  for (const profile of tables.values()) profile.columns.sort((a, b) => a.position - b.position)
  return { profiledMs, profiles: tables as Map<string, TableProfile> }
}

const columnAt = ({ value }: SystemBatch, row: number): ColumnProfile => ({
  column: value('column_name', row) as string,
  type: value('column_type', row) as string,
  position: value('position', row) as number,
  nulls: value('nulls', row) as number | null,
  distinctValues: value('distinct_values', row) as number | null,
  distinctOfRows: value('distinct_of_rows', row) as number | null,
  isDistinctExact: value('is_distinct_exact', row) === true,
  min: value('min_value', row) as string | null,
  max: value('max_value', row) as string | null,
})

/** A table's profile in a list. */
export const shapeProfileHead = ({ table, rows, columns: of, profiledMs, runId }: TableProfile) => ({
  ...{ table, rows, columns: of.length, profiled_at: new Date(profiledMs).toISOString(), run_id: runId },
})

/** A table's profile with its columns. */
export const shapeProfile = (profile: TableProfile) => ({
  ...shapeProfileHead(profile),
  columns: profile.columns.map(({ column, type, nulls, distinctValues, distinctOfRows, isDistinctExact, min, max }) => ({
    ...{ column, type, rows: profile.rows, nulls },
    null_share: nulls === null || profile.rows === 0 ? null : nulls / profile.rows,
    ...{ distinct_values: distinctValues, distinct_of_rows: distinctOfRows, is_distinct_exact: isDistinctExact, min, max },
  })),
})
