import { appendValue, type ColumnBatch, type ColumnType, type Field, isNullAt, newBatch, valueAt } from '../columns/column.ts'
import type { Action, AddFile, MetaData, Protocol, RemoveFile, Txn } from './actions.ts'

const string: ColumnType = { kind: 'string' }
const long: ColumnType = { kind: 'long' }
const integer: ColumnType = { kind: 'long', bits: 32 }
const boolean: ColumnType = { kind: 'boolean' }
const texts: ColumnType = { kind: 'map', value: string }
const strings: ColumnType = { kind: 'list', element: string }

const struct = (types: Readonly<Record<string, ColumnType>>): ColumnType => ({
  kind: 'struct',
  fields: Object.entries(types).map(([name, type]) => ({ name, type, nullable: true })),
})

/** A column for every kind of action that a checkpoint keeps; each row holds one action, in one of them. */
export const checkpointFields: readonly Field[] = Object.entries({
  txn: struct({ appId: string, version: long, lastUpdated: long }),
  add: struct({
    path: string,
    partitionValues: texts,
    size: long,
    modificationTime: long,
    dataChange: boolean,
    stats: string,
    tags: texts,
  }),
  remove: struct({
    path: string,
    deletionTimestamp: long,
    dataChange: boolean,
    extendedFileMetadata: boolean,
    partitionValues: texts,
    size: long,
  }),
  metaData: struct({
    id: string,
    name: string,
    description: string,
    format: struct({ provider: string, options: texts }),
    schemaString: string,
    partitionColumns: strings,
    configuration: texts,
    createdTime: long,
  }),
  protocol: struct({ minReaderVersion: integer, minWriterVersion: integer }),
}).map(([name, type]) => ({ name, type, nullable: true }))

/** Actions as the rows of a checkpoint, in their order. */
export const toCheckpointRows = (actions: readonly Action[]): ColumnBatch => {
  const batch = newBatch([...checkpointFields], actions.length)
  for (const action of actions)
    for (const [index, { name }] of checkpointFields.entries())
      appendValue(batch.columns[index]!, (action as Record<string, unknown>)[name] ?? null)
  batch.length = actions.length
  return batch
}

/** The actions in the rows of a checkpoint, in their order; rows of other kinds are left out. */
export const fromCheckpointRows = (batch: ColumnBatch): Action[] => {
  const [txn, add, remove, metaData, protocol] = batch.columns
  const actions: Action[] = []
  for (let row = 0; row < batch.length; row++) {
    if (!isNullAt(add!, row)) actions.push({ add: withoutNulls(valueAt(add!, row)) as AddFile })
    else if (!isNullAt(remove!, row)) actions.push({ remove: withoutNulls(valueAt(remove!, row)) as RemoveFile })
    else if (!isNullAt(txn!, row)) actions.push({ txn: withoutNulls(valueAt(txn!, row)) as Txn })
    else if (!isNullAt(metaData!, row)) actions.push({ metaData: withoutNulls(valueAt(metaData!, row)) as MetaData })
    else if (!isNullAt(protocol!, row)) actions.push({ protocol: valueAt(protocol!, row) as Protocol })
  }
  return actions
}

const withoutNulls = (value: unknown): unknown => Object.fromEntries(Object.entries(value as object).filter(([, entry]) => entry !== null))
