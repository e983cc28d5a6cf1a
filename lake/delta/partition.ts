import { ReadflowError } from '../../runtime/errors.ts'
import { type Column, type ColumnBatch, columnOf, isNullAt, valueAt } from '../columns/column.ts'
import { type Rows, take } from '../columns/take.ts'
import type { AddFile } from './actions.ts'

export interface Part {
  /** One entry a partition column; null where the row has none. */
  values: Record<string, string | null>
  /** The rows of that partition, without the partition columns. */
  batch: ColumnBatch
}

const NULL_FOLDER = '__HIVE_DEFAULT_PARTITION__'
/** Longest a value may be in a folder's name; the values themselves are in the log, so that a cut loses nothing. */
const MAX_FOLDER_VALUE = 180

/** The rows of a batch by the values of the partition columns, which the parts no longer hold. No rows, no parts. */
export const splitByPartition = (batch: ColumnBatch, partitionColumns: readonly string[]): Part[] => {
  if (batch.length === 0) return []
  const partitioned = partitionColumns.map((name) => ({ name, column: columnOf(batch, name) }))
  const rest = withoutColumns(batch, partitionColumns)
  const groups = new Map<string, { values: Record<string, string | null>; rows: number[] }>()
  let last: { values: Record<string, string | null>; rows: number[] } | undefined
  for (let row = 0; row < batch.length; row++) {
    if (!last || !partitioned.every(({ column }) => isSameValue(column, row, row - 1))) {
      const values = Object.fromEntries(partitioned.map(({ name, column }) => [name, partitionText(column, row, name)]))
      const key = JSON.stringify(Object.values(values))
      last = groups.get(key) ?? { values, rows: [] }
      groups.set(key, last)
    }
    last.rows.push(row)
  }
  const isWhole = groups.size === 1
  return [...groups.values()].map(({ values, rows }) => ({ values, batch: isWhole ? rest : take(rest, rows as Rows) }))
}

const withoutColumns = (batch: ColumnBatch, names: readonly string[]): ColumnBatch => {
  const kept = batch.fields.map((_, index) => index).filter((index) => !names.includes(batch.fields[index]!.name))
  return { length: batch.length, fields: kept.map((index) => batch.fields[index]!), columns: kept.map((index) => batch.columns[index]!) }
}

const isSameValue = (column: Column, a: number, b: number): boolean => {
  if (isNullAt(column, a) || isNullAt(column, b)) return isNullAt(column, a) && isNullAt(column, b)
  const { data, offsets } = column
  switch (column.type.kind) {
    case 'date':
      return data[a] === data[b]
    case 'long':
      return data[a * 2] === data[b * 2] && data[a * 2 + 1] === data[b * 2 + 1]
    case 'string': {
      const length = offsets[a + 1]! - offsets[a]!
      if (length !== offsets[b + 1]! - offsets[b]!) return false
      for (let index = 0; index < length; index++) if (data[offsets[a]! + index] !== data[offsets[b]! + index]) return false
      return true
    }
    default:
      return false
  }
}

/** A partition value as the log has it. An empty text is a null there: the protocol can not tell them apart. */
const partitionText = (column: Column, row: number, name: string): string | null => {
  const value = valueAt(column, row)
  if (value === null || value === '') return null
  switch (column.type.kind) {
    case 'string':
    case 'long':
    case 'boolean':
      return String(value)
    case 'date':
      return new Date((value as number) * 86_400_000).toISOString().slice(0, 10)
    default:
      throw new ReadflowError('lake-invalid', `a table can not be partitioned by ${name}, which is a ${column.type.kind}`)
  }
}

/** The value of a partition column in the form that `appendValue` takes, from the text in the log. */
export const partitionValue = (text: string | null, kind: string): unknown => {
  if (text === null || text === '') return null
  switch (kind) {
    case 'long':
    case 'double':
      return Number(text)
    case 'boolean':
      return text === 'true'
    case 'date':
      return Date.parse(`${text}T00:00:00Z`) / 86_400_000
    case 'timestamp':
      return Date.parse(text.includes('T') ? text : `${text.replace(' ', 'T')}Z`)
    default:
      return text
  }
}

/** Folder of a partition, in the style of Hive: `day=2026-11-22/language=en`. Not yet URL-encoded. */
export const partitionFolder = (values: Readonly<Record<string, string | null>>): string =>
  Object.entries(values)
    .map(([name, value]) => `${escaped(name)}=${value === null ? NULL_FOLDER : escaped(value).slice(0, MAX_FOLDER_VALUE)}/`)
    .join('')

// What a file system or a glob could read as something else is written as %XX, as Hive does.
const escaped = (text: string): string =>
  encodeURIComponent(text.toWellFormed()).replaceAll(/[!'()*~]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`)

/**
 * Whether the folders of a file's local path say its partition values, each once and nothing else: then a reader that
 * knows Hive's style finds the values that the log has.
 */
export const isFaithfulPath = (file: AddFile, localPath: string): boolean => {
  const expected = Object.entries(file.partitionValues)
  const folders = localPath
    .split(/[/\\]/)
    .slice(0, -1)
    .filter((folder) => folder.includes('='))
  if (folders.length !== expected.length) return false
  return folders.every((folder) => {
    const [name, text, ...more] = folder.split('=').map(unescaped)
    if (name == null || text == null || more.length > 0 || !Object.hasOwn(file.partitionValues, name)) return false
    return (file.partitionValues[name] || NULL_FOLDER) === text
  })
}

const unescaped = (text: string): string | null => {
  try {
    return decodeURIComponent(text)
  } catch {
    return null // Cut in the middle of a character, or written by somebody else: it says nothing.
  }
}
