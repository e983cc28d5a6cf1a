import { appendValue, type Column, type ColumnBatch, type Field, newColumn } from '../../lake/columns/column.ts'
import { mergedType, widenColumn } from '../../lake/columns/widen.ts'

/**
 * A batch whose columns may appear while rows are added: a column that comes late is filled with nulls, and
 * a row that lacks one gets a null there. Columns of records may get further fields.
 */
export const createRowBatch = (fields: readonly Field[], capacity = 64) => {
  const known: Field[] = [...fields]
  const columns: Column[] = fields.map(({ type }) => newColumn(type, capacity))
  // A table tells columns apart by their name whatever its case.
  const byName = new Map(known.map(({ name }, index) => [name.toLowerCase(), index]))
  let rows = 0

  const pad = (column: Column) => {
    while (column.length < rows) appendValue(column, null)
  }

  return {
    /** The column for a field; null where the batch has that name with a type that can't hold it, or in another case. */
    column: (field: Field): Column | null => {
      const index = byName.get(field.name.toLowerCase())
      if (index === undefined) {
        const column = newColumn(field.type, capacity)
        pad(column)
        byName.set(field.name.toLowerCase(), known.push(field) - 1)
        columns.push(column)
        return column
      }
      const [present, column] = [known[index], columns[index]]
      const type = present?.name === field.name ? mergedType(present.type, field.type) : null
      if (!present || !column || !type) return null
      widenColumn(column, type)
      known[index] = { ...present, type }
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
