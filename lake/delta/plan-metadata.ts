import { ReadflowError } from '../../runtime/errors.ts'
import type { Field } from '../columns/column.ts'
import type { MetaData } from './actions.ts'
import { mergeSchema, schemaString } from './schema.ts'
import type { Snapshot } from './snapshot.ts'

/** What a commit is to do to the table's metadata. */
export interface MetadataPlan {
  /** Schema of the rows: creates the table where there is none, and adds the columns that it lacks. */
  fields?: readonly Field[]
  /** For a table that does not exist yet; one that does must have the same. */
  partitionColumns?: readonly string[]
  /** Table properties to set, or with null to remove; others stay. */
  configuration?: Readonly<Record<string, string | null>>
}

/** The metadata that a plan gives the table; null where it stays as it is. Pure; throws as `planCommit` does. */
export const plannedMetadata = (snapshot: Snapshot, plan: MetadataPlan, context: { tableId: string; nowMs: number }): MetaData | null => {
  const current = snapshot.metadata?.action
  if (!current) return newMetadata(plan, context)
  const { fields, partitionColumns, configuration = {} } = plan
  if (partitionColumns && partitionColumns.join() !== current.partitionColumns.join())
    throw new ReadflowError(
      'lake-invalid',
      `the table is partitioned by ${current.partitionColumns.join(', ') || 'nothing'}, not by ${partitionColumns.join(', ') || 'nothing'}`,
    )
  const merged = fields ? mergeSchema(current.schemaString, fields) : current.schemaString
  const isSet = Object.entries(configuration).every(([key, value]) => (current.configuration?.[key] ?? null) === value)
  if (merged === current.schemaString && isSet) return null
  return { ...current, schemaString: merged, configuration: withProperties(current.configuration, configuration) }
}

const newMetadata = (
  { fields, partitionColumns = [], configuration = {} }: MetadataPlan,
  { tableId, nowMs }: { tableId: string; nowMs: number },
): MetaData => {
  if (!fields) throw new ReadflowError('lake-not-found', 'the table does not exist, and the commit does not say what columns it has')
  const unknown = partitionColumns.find((name) => !fields.some((field) => field.name === name))
  if (unknown !== undefined) throw new ReadflowError('lake-invalid', `there is no column ${unknown} to partition by`)
  return {
    id: tableId,
    format: { provider: 'parquet', options: {} },
    schemaString: schemaString(fields),
    partitionColumns: [...partitionColumns],
    configuration: withProperties({}, configuration),
    createdTime: nowMs,
  }
}

const withProperties = (
  current: Readonly<Record<string, string>> | undefined,
  changes: Readonly<Record<string, string | null>>,
): Record<string, string> =>
  Object.fromEntries(Object.entries({ ...current, ...changes }).filter((entry): entry is [string, string] => entry[1] !== null))
