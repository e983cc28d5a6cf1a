import { type Column, type ColumnType, type Field, nullColumn } from './column.ts'

/**
 * The type that holds the values of both: structs, also inside of lists and maps, have the fields of both. The very
 * type `known` where it holds `other` already; null where no type holds both, or where two fields differ in case only.
 */
export const mergedType = (known: ColumnType, other: ColumnType): ColumnType | null => {
  if (known.kind === 'list' && other.kind === 'list')
    return rewrapped(known, known.element, other.element, (element) => ({ kind: 'list', element }))
  if (known.kind === 'map' && other.kind === 'map') return rewrapped(known, known.value, other.value, (value) => ({ kind: 'map', value }))
  if (known.kind === 'struct' && other.kind === 'struct') return mergedStruct(known, other)
  return known.kind === other.kind ? known : null
}

const rewrapped = (whole: ColumnType, known: ColumnType, other: ColumnType, wrap: (type: ColumnType) => ColumnType) => {
  const merged = mergedType(known, other)
  return merged === known ? whole : merged && wrap(merged)
}

const mergedStruct = (known: ColumnType & { kind: 'struct' }, other: ColumnType & { kind: 'struct' }): ColumnType | null => {
  const fields: Field[] = [...known.fields]
  let isChanged = false
  for (const field of other.fields) {
    const index = fields.findIndex(({ name }) => name.toLowerCase() === field.name.toLowerCase())
    const present = fields[index]
    if (!present) {
      fields.push({ ...field, nullable: true })
      isChanged = true
      continue
    }
    const type = present.name === field.name ? mergedType(present.type, field.type) : null
    if (type === null) return null
    if (type === present.type) continue
    fields[index] = { ...present, type }
    isChanged = true
  }
  return isChanged ? { kind: 'struct', fields } : known
}

/** Gives a column a type that `mergedType` made of its own: the rows that it has lack the new fields. */
export const widenColumn = (column: Column, type: ColumnType): void => {
  if (type === column.type) return
  if (type.kind === 'struct') {
    type.fields.forEach((field, index) => {
      const child = column.children[index]
      if (child) widenColumn(child, field.type)
      else column.children.push(nullColumn(field.type, column.length))
    })
  }
  const [first, second] = column.children
  if (type.kind === 'list' && first) widenColumn(first, type.element)
  if (type.kind === 'map' && second) widenColumn(second, type.value)
  column.type = type
}
