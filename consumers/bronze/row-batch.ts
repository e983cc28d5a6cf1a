import { isDeepStrictEqual } from 'node:util'
import { appendValue, type Column, type ColumnBatch, type Field, newColumn } from '../../lake/columns/column.ts'

/**
 * A batch whose columns may appear while rows are added: a column that comes late is filled with nulls, and
 * a row that lacks one gets a null there.
 */
export const createRowBatch = (fields: readonly Field[]) => {
  const known: Field[] = [...fields]
  const columns: Column[] = fields.map(({ type }) => newColumn(type))
  // A table tells columns apart by their name whatever its case.
  const byName = new Map(known.map(({ name }, index) => [name.toLowerCase(), index]))
  let rows = 0

  const pad = (column: Column) => {
    while (column.length < rows) appendValue(column, null)
  }

  return {
    /** The column for a field; null where the batch has that name with another type, or in another case. */
    column: (field: Field): Column | null => {
      const index = byName.get(field.name.toLowerCase())
      if (index !== undefined)
        return isDeepStrictEqual(known[index], { ...field, nullable: known[index]?.nullable }) ? (columns[index] ?? null) : null
      const column = newColumn(field.type)
      pad(column)
      byName.set(field.name.toLowerCase(), known.push(field) - 1)
      columns.push(column)
      return column
    },
    endRow: () => {
      rows++
      for (const column of columns) if (column.length < rows) appendValue(column, null)
    },
    finish: (): ColumnBatch => ({ fields: known, columns, length: rows }),
  }
}

export type RowBatch = ReturnType<typeof createRowBatch>
