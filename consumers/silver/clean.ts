import { appendValue, type Column, type ColumnBatch, columnOf, newColumn, valueAt } from '../../lake/columns/column.ts'
import type { EntityName } from '../../schemas/records.ts'
import { htmlFields } from '../../schemas/rules.ts'
import { plainText } from './html.ts'
import { repairIsbns } from './isbn.ts'
import { languageCode } from './language.ts'

type Flag = (row: number, flag: string) => void

const tidy = (text: string): string | null => text.trim() || null

const mapColumn = (column: Column, map: (value: string, row: number) => string | null): Column => {
  const mapped = newColumn(column.type, column.length)
  for (let row = 0; row < column.length; row++) {
    const value = valueAt(column, row) as string | null
    appendValue(mapped, value === null ? null : map(value, row))
  }
  return mapped
}

const replace = (batch: ColumnBatch, changed: Record<string, Column>): ColumnBatch => ({
  ...batch,
  columns: batch.columns.map((column, index) => changed[batch.fields[index]?.name ?? ''] ?? column),
})

const cleanText = (batch: ColumnBatch, entity: EntityName): ColumnBatch =>
  replace(
    batch,
    Object.fromEntries(
      batch.fields
        .filter(({ type }) => type.kind === 'string')
        .map(({ name }) => {
          const isHtml = htmlFields[entity].includes(name)
          return [name, mapColumn(columnOf(batch, name), (text) => tidy(isHtml ? plainText(text) : text))]
        }),
    ),
  )

const cleanBooks = (batch: ColumnBatch, flag: Flag): ColumnBatch => {
  const isbn = columnOf(batch, 'isbn')
  const isbn13 = columnOf(batch, 'isbn13')
  const repaired = { isbn: newColumn(isbn.type, batch.length), isbn13: newColumn(isbn13.type, batch.length) }
  for (let row = 0; row < batch.length; row++) {
    const result = repairIsbns(valueAt(isbn, row) as string | null, valueAt(isbn13, row) as string | null)
    appendValue(repaired.isbn, result.isbn)
    appendValue(repaired.isbn13, result.isbn13)
    for (const each of result.flags) flag(row, each)
  }
  const language = mapColumn(columnOf(batch, 'language_code'), (text, row) => {
    const code = languageCode(text)
    if (code === null) flag(row, 'language-unknown')
    return code
  })
  return replace(batch, { ...repaired, language_code: language })
}

/**
 * Valid rows made clean: text trimmed and freed of HTML, empty text null, language codes in ISO 639-3, ISBNs
 * repaired. Takes and returns the same columns; `flag` is told of every repair that a reader should know.
 */
export const clean = (entity: EntityName, batch: ColumnBatch, flag: Flag): ColumnBatch => {
  const tidied = cleanText(batch, entity)
  return entity === 'books' ? cleanBooks(tidied, flag) : tidied
}
