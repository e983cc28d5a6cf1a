import { ReadflowError } from '../../runtime/errors.ts'
import type { Field } from '../columns/column.ts'
import type { Action, AddFile, MetaData, Protocol, RemoveFile } from './actions.ts'
import { emptyLayeredMap, type LayeredMap } from './layered-map.ts'
import { parseSchema } from './schema.ts'

export interface Metadata {
  id: string
  fields: Field[]
  partitionColumns: string[]
  configuration: Readonly<Record<string, string>>
  createdMs: number
  /** The action that it comes from: what we do not understand of it is kept by the next change. */
  action: MetaData
}

/** A table at one version. Version -1 is a table that is not there yet: no metadata, no files. */
export interface Snapshot {
  version: number
  protocol: Protocol | null
  metadata: Metadata | null
  /** The live files, by the path in their action. */
  files: LayeredMap<AddFile>
  /** Files that were removed: those that a checkpoint still had, and those since. */
  tombstones: LayeredMap<RemoveFile>
  /** The newest version that each application has committed. */
  txns: LayeredMap<number>
}

export const emptySnapshot: Snapshot = {
  version: -1,
  protocol: null,
  metadata: null,
  files: emptyLayeredMap(),
  tombstones: emptyLayeredMap(),
  txns: emptyLayeredMap(),
}

const readMetadata = (action: MetaData): Metadata => ({
  id: action.id,
  fields: parseSchema(action.schemaString),
  partitionColumns: action.partitionColumns,
  configuration: action.configuration ?? {},
  createdMs: action.createdTime ?? 0,
  action,
})

/**
 * The table after further entries of the log, `entries[0]` being version `snapshot.version + 1`; the snapshot given
 * stays as it is, and shares with the new one what is the same. Throws `lake-invalid` for a table that needs a newer
 * reader.
 */
export const applyEntries = (snapshot: Snapshot, entries: readonly (readonly Action[])[]): Snapshot => {
  if (entries.length === 0) return snapshot
  let { protocol, metadata } = snapshot
  const files: [string, AddFile | undefined][] = []
  const tombstones: [string, RemoveFile | undefined][] = []
  const txns: [string, number][] = []
  // A path comes back after it was removed at most where something was removed at all.
  let mayBeRemoved = snapshot.tombstones.size > 0
  for (const actions of entries) {
    for (const action of actions) {
      if ('add' in action) {
        files.push([action.add.path, withoutNulls(action.add)])
        if (mayBeRemoved) tombstones.push([action.add.path, undefined])
      } else if ('remove' in action) {
        files.push([action.remove.path, undefined])
        tombstones.push([action.remove.path, tombstoneOf(action.remove)])
        mayBeRemoved = true
      } else if ('txn' in action) txns.push([action.txn.appId, action.txn.version])
      else if ('metaData' in action) metadata = readMetadata(action.metaData)
      else if ('protocol' in action) protocol = readable(action.protocol)
    }
  }
  return {
    version: snapshot.version + entries.length,
    protocol,
    metadata,
    files: snapshot.files.with(files),
    tombstones: snapshot.tombstones.with(tombstones),
    txns: snapshot.txns.with(txns),
  }
}

// There are many, and what else a removal says nobody asks for later.
const tombstoneOf = ({ path, deletionTimestamp, dataChange }: RemoveFile): RemoveFile => ({ path, deletionTimestamp, dataChange })

/** The table without the files that were removed longer ago than it keeps them: a checkpoint leaves them out as well. */
export const withoutExpired = (snapshot: Snapshot, removedBeforeMs: number): Snapshot => {
  const expired = [...snapshot.tombstones.values()].filter(({ deletionTimestamp }) => (deletionTimestamp ?? 0) <= removedBeforeMs)
  return { ...snapshot, tombstones: snapshot.tombstones.with(expired.map(({ path }) => [path, undefined])) }
}

// Some writers write null for what is not there.
const withoutNulls = <T extends object>(action: T): T =>
  Object.values(action).includes(null) ? (Object.fromEntries(Object.entries(action).filter(([, value]) => value !== null)) as T) : action

const readable = (protocol: Protocol): Protocol => {
  if (protocol.minReaderVersion > 1)
    throw new ReadflowError('lake-invalid', `the table needs Delta reader version ${protocol.minReaderVersion}; ReadFlow reads version 1`)
  return protocol
}

/** Number of rows in the live files, as their statistics have it; null where a file has none. */
export const rowCount = (snapshot: Snapshot): number | null => {
  let rows = 0
  for (const { stats } of snapshot.files.values()) {
    const count = stats === undefined ? undefined : (JSON.parse(stats) as { numRecords?: number }).numRecords
    if (count === undefined) return null
    rows += count
  }
  return rows
}
