import { isRetriable, ReadflowError } from '../../runtime/errors.ts'
import { readParquetAs } from '../parquet/read.ts'
import { encodeParquet } from '../parquet/write.ts'
import type { Action } from './actions.ts'
import { checkpointFields, fromCheckpointRows, toCheckpointRows } from './checkpoint-rows.ts'
import { type CheckpointFiles, checkpointName, LAST_CHECKPOINT, type TablePlace } from './log-files.ts'
import { deletedFileRetentionMs } from './properties.ts'
import { applyEntries, emptySnapshot, type Snapshot, withoutExpired } from './snapshot.ts'

/**
 * Writes the checkpoint of a version that is in the log, and then the file that points to it. Whoever writes the same
 * one, at whatever time, writes the same: the last to come changes nothing. Files that were removed longer ago than the
 * table keeps them are left out, by `nowMs`.
 */
export const writeCheckpoint = async ({ store, root }: TablePlace, snapshot: Snapshot, nowMs: number): Promise<void> => {
  const actions = checkpointActions(snapshot, nowMs)
  const bytes = encodeParquet(await toCheckpointRows(actions))
  await store.put(`${root}/${checkpointName(snapshot.version)}`, bytes)
  const pointer = { version: snapshot.version, size: actions.length, sizeInBytes: bytes.length, numOfAddFiles: snapshot.files.size }
  await store.put(`${root}/${LAST_CHECKPOINT}`, new TextEncoder().encode(JSON.stringify(pointer)))
}

/** All that the table is at that version: what a reader needs in place of the log up to it. Pure. */
export const checkpointActions = (snapshot: Snapshot, nowMs: number): Action[] => {
  const { protocol, metadata, version } = snapshot
  if (!protocol || !metadata) throw new ReadflowError('lake-invalid', `version ${version} has no metadata or no protocol`)
  return [
    { protocol },
    { metaData: metadata.action },
    ...[...snapshot.txns].map(([appId, txn]) => ({ txn: { appId, version: txn } })),
    ...[...withoutExpired(snapshot, nowMs - deletedFileRetentionMs(snapshot)).tombstones.values()].map((remove) => ({ remove })),
    ...[...snapshot.files.values()].map((add) => ({ add })),
  ]
}

/**
 * The table at the version of a checkpoint. Null where it is torn, corrupt or gone: whatever it was for can be had from
 * an older one or from the log. Rejects with `lake-invalid` where the table needs a newer reader.
 */
export const readCheckpoint = async ({ store }: TablePlace, { version, paths }: CheckpointFiles): Promise<Snapshot | null> => {
  const actions: Action[] = []
  try {
    for (const path of paths) actions.push(...fromCheckpointRows(readParquetAs(await store.get(path), checkpointFields)))
  } catch (error) {
    if (!(error instanceof ReadflowError) || isRetriable(error)) throw error
    return null
  }
  const isWhole = actions.some((action) => 'protocol' in action) && actions.some((action) => 'metaData' in action)
  return isWhole ? { ...applyEntries(emptySnapshot, [actions]), version } : null
}

/** The version that the pointer to the last checkpoint names; null where there is none, or it says nothing. */
export const lastCheckpointVersion = async ({ store, root }: TablePlace): Promise<number | null> => {
  try {
    const { version } = JSON.parse(new TextDecoder().decode(await store.get(`${root}/${LAST_CHECKPOINT}`)))
    return Number.isInteger(version) && version >= 0 ? version : null
  } catch (error) {
    // It is a hint. One that can not be read is as good as none; a store that can not be read is not.
    if (isRetriable(error)) throw error
    return null
  }
}
