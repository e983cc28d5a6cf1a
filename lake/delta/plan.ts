import { ReadflowError } from '../../runtime/errors.ts'
import { engineInfo } from '../engine.ts'
import { type Action, type AddFile, type MetaData, protocol, type Txn } from './actions.ts'
import { type MetadataPlan, plannedMetadata } from './plan-metadata.ts'
import { isAppendOnly } from './properties.ts'
import type { Snapshot } from './snapshot.ts'

/** What a commit is to do. */
export interface CommitPlan extends MetadataPlan {
  /** Delta's name of it, such as WRITE or OPTIMIZE. */
  operation: string
  operationParameters?: Record<string, unknown>
  adds?: readonly AddFile[]
  /** Files to take out, which must be live; paths as in their actions. */
  removes?: readonly { path: string }[]
  /**
   * Files to take out as well: all that are live at the version before the commit, whoever added them and when, or those
   * that this says yes to. So an overwrite replaces what is there when it comes through.
   */
  replaces?: 'all' | ((file: AddFile) => boolean)
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
  /** What table properties must be; null: not set. */
  configuration?: Readonly<Record<string, string | null>>
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
 * where progress is not what the plan requires, `lake-conflict` where a file is no longer live or a property is not
 * what the plan requires, `lake-invalid` where the schema, the partitioning or the protocol does not allow it.
 */
export const planCommit = (snapshot: Snapshot, plan: CommitPlan, context: CommitContext): Action[] => {
  checkRequirements(snapshot, plan)
  const { commitId, nowMs } = context
  const { adds = [], txns = [], dataChange = true } = plan
  const metaData = plannedMetadata(snapshot, plan, context)
  const removed = removedFiles(snapshot, plan)
  checkAllowed(snapshot, plan, removed, metaData ?? snapshot.metadata!.action)
  const commitInfo = {
    timestamp: nowMs,
    operation: plan.operation,
    operationParameters: plan.operationParameters ?? {},
    ...(snapshot.version >= 0 ? { readVersion: snapshot.version } : {}),
    isBlindAppend: removed.length === 0 && plan.replaces === undefined,
    engineInfo,
    txnId: commitId,
    ...plan.info,
  }
  return [
    { commitInfo },
    ...(snapshot.protocol ? [] : [{ protocol }]),
    ...(metaData ? [{ metaData }] : []),
    ...txns.map((txn) => ({ txn: { ...txn, lastUpdated: txn.lastUpdated ?? nowMs } })),
    ...removed.map((file) => ({ remove: plannedRemove(file, nowMs, dataChange) })),
    ...adds.map((add) => ({ add: { ...add, dataChange } })),
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
  for (const [key, expected] of Object.entries(requires?.configuration ?? {})) {
    const current = snapshot.metadata?.configuration[key] ?? null
    if (current !== expected)
      throw new ReadflowError('lake-conflict', `another writer set the table property ${key} to ${current ?? 'nothing'}`)
  }
}

/** The live files that the plan takes out, each once. */
const removedFiles = (snapshot: Snapshot, { removes = [], replaces }: CommitPlan): AddFile[] => {
  const removed = new Map(removes.map(({ path }) => [path, snapshot.files.get(path)!]))
  if (replaces) for (const [path, file] of snapshot.files) if (replaces === 'all' || replaces(file)) removed.set(path, file)
  return [...removed.values()]
}

/** What Delta writer version 2 must not do. */
const checkAllowed = (snapshot: Snapshot, plan: CommitPlan, removed: readonly AddFile[], metaData: MetaData) => {
  const { adds = [], txns = [], dataChange = true } = plan
  if (snapshot.protocol && snapshot.protocol.minWriterVersion > protocol.minWriterVersion)
    throw new ReadflowError(
      'lake-invalid',
      `the table needs Delta writer version ${snapshot.protocol.minWriterVersion}; ReadFlow writes version 2`,
    )
  if (dataChange && removed.length > 0 && isAppendOnly(snapshot))
    throw new ReadflowError('lake-invalid', 'the table is append-only (delta.appendOnly), so no rows can be taken out of it')
  if (dataChange && adds.length > 0 && metaData.schemaString.includes('"delta.invariants"'))
    throw new ReadflowError('lake-invalid', 'the table has column invariants (delta.invariants), which ReadFlow can not check')
  const twice = repeated([...removed.map(({ path }) => path), ...adds.map(({ path }) => path)]) ?? repeated(txns.map(({ appId }) => appId))
  if (twice !== null) throw new ReadflowError('lake-invalid', `${twice} comes twice in one commit`)
  for (const { path, partitionValues } of adds)
    if (Object.keys(partitionValues).sort().join() !== [...metaData.partitionColumns].sort().join())
      throw new ReadflowError(
        'lake-invalid',
        `the file ${path} does not say its values of the partition columns ${metaData.partitionColumns}`,
      )
}

const repeated = (names: readonly string[]): string | null => {
  const seen = new Set<string>()
  return names.find((name) => seen.size === seen.add(name).size) ?? null
}

const plannedRemove = ({ path, partitionValues, size }: AddFile, nowMs: number, dataChange: boolean) => ({
  path,
  deletionTimestamp: nowMs,
  dataChange,
  extendedFileMetadata: true,
  partitionValues,
  size,
})
