import assert from 'node:assert/strict'
import { bitAt, type Column, type ColumnType, isNullAt } from '../../lake/columns/column.ts'
import { scan } from '../../lake/delta/scan.ts'
import type { Snapshot } from '../../lake/delta/snapshot.ts'
import type { ObjectStore } from '../../lake/store/store.ts'
import type { Answer } from './readers.ts'

const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** The rows of a snapshot by our own scan, in the form that the other readers answer in. */
export const ourAnswer = async (store: ObjectStore, root: string, snapshot: Snapshot): Promise<Answer> => {
  const fields = snapshot.metadata!.fields
  const rows: unknown[][] = []
  for await (const batch of scan(store, snapshot, { root, columns: fields.map(({ name }) => name) }))
    for (let row = 0; row < batch.length; row++) rows.push(batch.columns.map((column) => exactValue(column, row)))
  return { fields: fields.map(({ name, type }) => [name, typeText(type)]), rows }
}

/** A type in Delta's words. */
const typeText = (type: ColumnType): string => {
  if (type.kind === 'list') return `array<${typeText(type.element)}>`
  if (type.kind === 'map') return `map<string,${typeText(type.value)}>`
  if (type.kind === 'struct') return `struct<${type.fields.map((field) => `${field.name}:${typeText(field.type)}`).join(',')}>`
  return type.kind
}

// Not `valueAt`, which is exact for longs below 2^53 and for milliseconds only.
const exactValue = (column: Column, row: number): unknown => {
  if (isNullAt(column, row)) return null
  const { type, data, offsets, children } = column
  const span = () => Array.from({ length: offsets[row + 1]! - offsets[row]! }, (_, index) => offsets[row]! + index)
  switch (type.kind) {
    case 'string':
      return text.decode((data as Uint8Array).subarray(offsets[row]!, offsets[row + 1]!))
    case 'binary':
      return Buffer.from((data as Uint8Array).subarray(offsets[row]!, offsets[row + 1]!)).toString('hex')
    case 'long':
    case 'timestamp':
      return String((BigInt(data[row * 2 + 1]!) << 32n) | BigInt(data[row * 2]! >>> 0))
    case 'boolean':
      return bitAt(data as Uint8Array, row)
    case 'date':
      return data[row]!
    case 'double':
      return doubleValue(data[row]!)
    case 'struct':
      return Object.fromEntries(type.fields.map((field, index) => [field.name, exactValue(children[index]!, row)]))
    case 'list':
      return span().map((index) => exactValue(children[0]!, index))
    case 'map':
      return span()
        .map((index) => [exactValue(children[0]!, index) as string, exactValue(children[1]!, index)] as const)
        .sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
  }
}

const doubleValue = (value: number): number | string =>
  Number.isFinite(value) ? value : String(value).replace('Infinity', 'inf').replace('NaN', 'nan')

// JSON has no negative zero.
const rowText = (row: unknown): string => JSON.stringify(row, (_, value) => (Object.is(value, -0) ? '-0' : value))

/** Fails with the first row that differs, where `actual` has not the same fields and, in any order, the same rows. */
export const assertSameAnswer = (actual: Answer, expected: Answer, what: string): void => {
  assert.deepEqual(actual.fields, expected.fields, `${what}: schema`)
  const [ours, theirs] = [expected, actual].map(({ rows }) => rows.map(rowText).sort()) as [string[], string[]]
  const at = ours.findIndex((row, index) => row !== theirs[index])
  if (at >= 0) assert.equal(theirs[at], ours[at], `${what}: row ${at} of ${ours.length} in sorted order`)
  assert.equal(theirs.length, ours.length, `${what}: number of rows`)
}
