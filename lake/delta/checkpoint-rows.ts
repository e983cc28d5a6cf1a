import { setImmediate } from 'node:timers/promises'
import {
  appendNulls,
  appendValue,
  type Column,
  type ColumnBatch,
  type ColumnType,
  type Field,
  isNullAt,
  newBatch,
  valueAt,
} from '../columns/column.ts'
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

/** Rows that are made at a time, so that a large table's checkpoint keeps nobody waiting. */
const ROWS_AT_ONCE = 1000

/** Actions as the rows of a checkpoint, in their order. Lets other work go on between. */
export const toCheckpointRows = async (actions: readonly Action[]): Promise<ColumnBatch> => {
  const batch = newBatch([...checkpointFields], actions.length)
  for (; batch.length < actions.length; batch.length = Math.min(actions.length, batch.length + ROWS_AT_ONCE)) {
    appendActions(batch, actions.slice(batch.length, batch.length + ROWS_AT_ONCE))
    await setImmediate()
  }
  return batch
}

const appendActions = (batch: ColumnBatch, actions: readonly Action[]) => {
  for (const [index, { name }] of checkpointFields.entries()) {
    const column = batch.columns[index]!
    let nulls = 0
    for (const action of actions) {
      const value = (action as Record<string, unknown>)[name]
      if (value === undefined) {
        nulls++
        continue
      }
      if (nulls > 0) appendNulls(column, nulls)
      nulls = 0
      appendValue(column, value)
    }
    if (nulls > 0) appendNulls(column, nulls)
  }
}

/** The actions in the rows of a checkpoint, in their order; rows of other kinds are left out. */
export const fromCheckpointRows = (batch: ColumnBatch): Action[] => {
  const [txn, add, remove, metaData, protocol] = batch.columns
  const actions: Action[] = []
  for (let row = 0; row < batch.length; row++) {
    if (!isNullAt(add!, row)) actions.push({ add: presentAt<AddFile>(add!, row) })
    else if (!isNullAt(remove!, row)) actions.push({ remove: presentAt<RemoveFile>(remove!, row) })
    else if (!isNullAt(txn!, row)) actions.push({ txn: presentAt<Txn>(txn!, row) })
    else if (!isNullAt(metaData!, row)) actions.push({ metaData: presentAt<MetaData>(metaData!, row) })
    else if (!isNullAt(protocol!, row)) actions.push({ protocol: presentAt<Protocol>(protocol!, row) })
  }
  return actions
}

/** A struct's fields that are not null. */
const presentAt = <T>({ type, children }: Column, row: number): T => {
  const value: Record<string, unknown> = {}
  const fields = type.kind === 'struct' ? type.fields : []
  for (let index = 0; index < fields.length; index++)
    if (!isNullAt(children[index]!, row)) value[fields[index]!.name] = valueAt(children[index]!, row)
  return value as T
}
