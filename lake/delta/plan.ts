import { ReadflowError } from '../../runtime/errors.ts'
import type { Field } from '../columns/column.ts'
import { engineInfo } from '../engine.ts'
import { type Action, type AddFile, type MetaData, protocol, type Txn } from './actions.ts'
import { mergeSchema, schemaString } from './schema.ts'
import type { Snapshot } from './snapshot.ts'

/** What a commit is to do. */
export interface CommitPlan {
  /** Delta's name of it, such as WRITE or OPTIMIZE. */
  operation: string
  operationParameters?: Record<string, unknown>
  /** Schema of the rows: creates the table where there is none, and adds the columns that it lacks. */
  fields?: readonly Field[]
  /** For a table that does not exist yet; one that does must have the same. */
  partitionColumns?: readonly string[]
  /** Table properties to set, or with null to remove; others stay. */
  configuration?: Readonly<Record<string, string | null>>
  adds?: readonly AddFile[]
  /** Files to take out, which must be live; paths as in their actions. */
  removes?: readonly { path: string }[]
  txns?: readonly Txn[]
  requires?: Requirements
  /** Whether removed rows are gone (true, the default), or only lie in other files now. */
  dataChange?: boolean
  /** Further entries of commitInfo. */
  info?: Readonly<Record<string, unknown>>
}

export interface Requirements {
  /** What an application's newest version must be; null: none yet. */
  txns?: readonly { appId: string; version: number | null }[]
  /** Files that must be live, by the path in their action. */
  live?: readonly string[]
}

export interface CommitContext {
  /** Unique for each commit, the same for every attempt at it. */
  commitId: string
  nowMs: number
  /** The id of the table where the commit creates it. */
  tableId: string
}

/**
 * The actions that carry out a plan on a snapshot, in the order that other writers use. Pure. Throws `lake-fenced`
 * where progress is not what the plan requires, `lake-conflict` where a file is no longer live, `lake-invalid` where
 * the schema, the partitioning or the protocol does not allow it.
 */
export const planCommit = (snapshot: Snapshot, plan: CommitPlan, context: CommitContext): Action[] => {
  checkRequirements(snapshot, plan)
  if (snapshot.protocol && snapshot.protocol.minWriterVersion > protocol.minWriterVersion)
    throw new ReadflowError(
      'lake-invalid',
      `the table needs Delta writer version ${snapshot.protocol.minWriterVersion}; ReadFlow writes version 2`,
    )
  const { commitId, nowMs } = context
  const commitInfo = {
    timestamp: nowMs,
    operation: plan.operation,
    operationParameters: plan.operationParameters ?? {},
    ...(snapshot.version >= 0 ? { readVersion: snapshot.version } : {}),
    isBlindAppend: (plan.removes ?? []).length === 0,
    engineInfo,
    txnId: commitId,
    ...plan.info,
  }
  const metaData = plannedMetadata(snapshot, plan, context)
  const dataChange = plan.dataChange ?? true
  return [
    { commitInfo },
    ...(snapshot.protocol ? [] : [{ protocol }]),
    ...(metaData ? [{ metaData }] : []),
    ...(plan.txns ?? []).map((txn) => ({ txn: { ...txn, lastUpdated: txn.lastUpdated ?? nowMs } })),
    ...(plan.removes ?? []).map(({ path }) => ({ remove: plannedRemove(snapshot.files.get(path)!, nowMs, dataChange) })),
    ...(plan.adds ?? []).map((add) => ({ add: { ...add, dataChange } })),
  ]
}

const checkRequirements = (snapshot: Snapshot, { requires, removes = [] }: CommitPlan) => {
  for (const { appId, version } of requires?.txns ?? []) {
    const current = snapshot.txns.get(appId) ?? null
    if (current !== version)
      throw new ReadflowError(
        'lake-fenced',
        `another writer moved ${appId} to ${current ?? 'nothing'}, where ${version ?? 'nothing'} was expected`,
      )
  }
  const lost = [...(requires?.live ?? []), ...removes.map(({ path }) => path)].find((path) => !snapshot.files.has(path))
  if (lost !== undefined) throw new ReadflowError('lake-conflict', `another writer removed the file ${lost}`)
}

const plannedRemove = ({ path, partitionValues, size }: AddFile, nowMs: number, dataChange: boolean) => ({
  path,
  deletionTimestamp: nowMs,
  dataChange,
  extendedFileMetadata: true,
  partitionValues,
  size,
})

const plannedMetadata = (snapshot: Snapshot, plan: CommitPlan, { tableId, nowMs }: CommitContext): MetaData | null => {
  const { fields, partitionColumns, configuration = {} } = plan
  const current = snapshot.metadata?.action
  if (!current) {
    if (!fields) throw new ReadflowError('lake-not-found', 'the table does not exist, and the commit does not say what columns it has')
    const unknown = (partitionColumns ?? []).find((name) => !fields.some((field) => field.name === name))
    if (unknown !== undefined) throw new ReadflowError('lake-invalid', `there is no column ${unknown} to partition by`)
    return {
      id: tableId,
      format: { provider: 'parquet', options: {} },
      schemaString: schemaString(fields),
      partitionColumns: [...(partitionColumns ?? [])],
      configuration: withProperties({}, configuration),
      createdTime: nowMs,
    }
  }
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

const withProperties = (
  current: Readonly<Record<string, string>> | undefined,
  changes: Readonly<Record<string, string | null>>,
): Record<string, string> =>
  Object.fromEntries(Object.entries({ ...current, ...changes }).filter((entry): entry is [string, string] => entry[1] !== null))
