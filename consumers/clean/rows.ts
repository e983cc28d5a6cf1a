import { type Column, type ColumnBatch, columnOf, valueAt } from '../../lake/columns/column.ts'
import type { AddFile } from '../../lake/delta/actions.ts'
import { type ScannedFiles, scan } from '../../lake/delta/scan.ts'
import type { ObjectStore } from '../../lake/store/store.ts'
import { factsOf } from '../../lineage/conditions.ts'
import { ReadflowError } from '../../runtime/errors.ts'
import type { AvroSchema } from '../../schemas/catalogue.ts'
import type { Version } from '../silver/dedupe-state.ts'

/** A row of Silver: one accepted change. */
export interface Change extends Version {
  key: string
  topicId: string
  partition: number
  offset: number
  schemaId: number | null
  /** Avro bytes of the row's own fields; null for a deletion. */
  value: Buffer | null
}

/** Where a row comes from. */
export interface Origin {
  topicId: string
  partition: number
  offset: number
}

/** Which offsets a file may have. */
interface Bounds {
  rows: number
  leastPartition: number
  mostPartition: number
  least: number
  most: number
}

const boundsByFile = new WeakMap<AddFile, Bounds>()
const numberOr = (value: unknown, other: number) => (typeof value === 'number' ? value : other)

/** What a file's statistics say; one that has none may have anything. */
export const boundsOf = (file: AddFile): Bounds => {
  const known = boundsByFile.get(file)
  if (known) return known
  const {
    numRecords,
    minValues = {},
    maxValues = {},
  } = JSON.parse(file.stats ?? '{}') as {
    numRecords?: number
    minValues?: Record<string, unknown>
    maxValues?: Record<string, unknown>
  }
  const bounds = {
    rows: numberOr(numRecords, Number.POSITIVE_INFINITY),
    leastPartition: numberOr(minValues['_partition'], 0),
    mostPartition: numberOr(maxValues['_partition'], Number.POSITIVE_INFINITY),
    least: numberOr(minValues['_offset'], 0),
    most: numberOr(maxValues['_offset'], Number.POSITIVE_INFINITY),
  }
  boundsByFile.set(file, bounds)
  return bounds
}

export const mayHold = (file: AddFile, { partition, from, to }: { partition: number; from: number; to: number }): boolean => {
  const { leastPartition, mostPartition, least, most } = boundsOf(file)
  return partition >= leastPartition && partition <= mostPartition && most >= from && least < to
}

const ORIGIN = ['_topic_id', '_partition', '_offset'] as const
const META = [...ORIGIN, '_key', '_order', '_hash', '_late', '_deleted', '_schema_id'] as const

const columnsOf = <N extends string>(batch: ColumnBatch, names: readonly N[]) =>
  Object.fromEntries(names.map((name) => [name, columnOf(batch, name)])) as Record<N, Column>

const originAt = (columns: Record<(typeof ORIGIN)[number], Column>, row: number): Origin => ({
  topicId: valueAt(columns._topic_id, row) as string,
  partition: valueAt(columns._partition, row) as number,
  offset: valueAt(columns._offset, row) as number,
})

type Store = Pick<ObjectStore, 'getRange'>

/** Where the rows of some files come from. */
export async function* scanOrigins(store: Store, files: ScannedFiles, root: string): AsyncGenerator<Origin> {
  for await (const batch of scan(store, files, { root, columns: ORIGIN })) {
    const columns = columnsOf(batch, ORIGIN)
    for (let row = 0; row < batch.length; row++) yield originAt(columns, row)
  }
}

/** The version of each row of a table, with its key and whether it is a deletion. */
export async function* scanVersions(
  store: Store,
  files: ScannedFiles,
  root: string,
  where: (file: AddFile) => boolean = () => true,
): AsyncGenerator<Version & Origin & { key: string; isDeleted: boolean }> {
  const names = [...ORIGIN, '_key', '_order', '_hash', '_deleted'] as const
  for await (const batch of scan(store, files, { root, columns: names, where })) {
    const columns = columnsOf(batch, names)
    for (let row = 0; row < batch.length; row++)
      yield {
        ...originAt(columns, row),
        key: valueAt(columns._key, row) as string,
        order: valueAt(columns._order, row) as number,
        hash: valueAt(columns._hash, row) as string,
        isDeleted: valueAt(columns._deleted, row) === true,
      }
  }
}

/** Whether any row of a file may be a deletion. */
export const mayDelete = (file: AddFile): boolean => factsOf(file).max['_deleted'] !== false

export interface RowReader {
  store: Store
  root: string
  schema: AvroSchema
  encode: (value: Record<string, unknown>) => Buffer
}

/** The wanted rows of some files as changes, in the files' order. Rows that came late are passed over, unless asked for. */
export async function* readChanges(
  { store, root, schema, encode }: RowReader,
  files: ScannedFiles,
  { isWanted, areLateToo = false }: { isWanted: (row: Origin & Version & { key: string }) => boolean; areLateToo?: boolean },
): AsyncGenerator<Change> {
  const known = new Set(files.metadata?.fields.map(({ name }) => name))
  // A field that is newer than the table is in no row of it.
  const fields = schema.fields.filter(({ name }) => known.has(name))
  const absent = Object.fromEntries(schema.fields.filter(({ name }) => !known.has(name)).map((field) => [field.name, defaultOf(field)]))
  for await (const batch of scan(store, files, { root, columns: [...META, ...fields.map(({ name }) => name)] })) {
    const columns = columnsOf(batch, META)
    const values = fields.map((field) => ({ ...field, column: columnOf(batch, field.name) }))
    for (let row = 0; row < batch.length; row++) {
      if (!areLateToo && valueAt(columns._late, row) === true) continue
      const about = {
        ...originAt(columns, row),
        key: valueAt(columns._key, row) as string,
        order: valueAt(columns._order, row) as number,
        hash: valueAt(columns._hash, row) as string,
      }
      if (!isWanted(about)) continue
      const record = (): Record<string, unknown> => ({
        ...absent,
        ...Object.fromEntries(values.map(({ column, ...field }) => [field.name, valueAt(column, row) ?? defaultOf(field)])),
      })
      yield {
        ...about,
        schemaId: valueAt(columns._schema_id, row) as number | null,
        value: valueAt(columns._deleted, row) === true ? null : encoded(encode, record(), { root, ...about }),
      }
    }
  }
}

const defaultOf = ({ default: value }: { default?: unknown }) => value ?? null

const encoded = (
  encode: RowReader['encode'],
  record: Record<string, unknown>,
  { root, key, topicId, partition, offset }: Origin & { root: string; key: string },
) => {
  try {
    return encode(record)
  } catch (cause) {
    // None that Silver writes: its contract has judged every field.
    throw new ReadflowError(
      'lake-invalid',
      `the row of ${JSON.stringify(key)} (${topicId}/${partition}, offset ${offset}) in ${root} does not fit its schema: ${cause instanceof Error ? cause.message : cause}`,
      { cause },
    )
  }
}

export const filesOf = ({ metadata }: ScannedFiles, files: Iterable<AddFile>): ScannedFiles => ({
  metadata,
  files: new Map([...files].map((file) => [file.path, file])),
})
