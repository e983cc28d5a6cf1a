import { appendValue, type Column, type ColumnBatch, columnOf, newColumn, valueAt } from '../../lake/columns/column.ts'
import type { Format } from '../../schemas/contracts/contract.ts'
import type { Finding } from './check.ts'
import { plainText } from './html.ts'
import { repairIsbns } from './isbn.ts'
import { languageCode } from './language.ts'

/** Field by field what its text is to become. */
export type Formats = ReadonlyMap<string, Format>
type Found = (row: number, field: string, finding: Finding) => void

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

const cleanText = (batch: ColumnBatch, formats: Formats): ColumnBatch =>
  replace(
    batch,
    Object.fromEntries(
      batch.fields
        .filter(({ type }) => type.kind === 'string')
        .map(({ name }) => {
          const isHtml = formats.get(name) === 'html'
          return [name, mapColumn(columnOf(batch, name), (text) => tidy(isHtml ? plainText(text) : text))]
        }),
    ),
  )

/** The fields with an ISBN are two views of one number: each helps to repair the other. */
const cleanIsbns = (batch: ColumnBatch, [ten, thirteen]: readonly [string, string], found: Found): ColumnBatch => {
  const [isbn, isbn13] = [columnOf(batch, ten), columnOf(batch, thirteen)]
  const repaired = { isbn: newColumn(isbn.type, batch.length), isbn13: newColumn(isbn13.type, batch.length) }
  for (let row = 0; row < batch.length; row++) {
    const result = repairIsbns(valueAt(isbn, row) as string | null, valueAt(isbn13, row) as string | null)
    appendValue(repaired.isbn, result.isbn)
    appendValue(repaired.isbn13, result.isbn13)
    if (result.isbnFinding) found(row, ten, result.isbnFinding)
    if (result.isbn13Finding) found(row, thirteen, result.isbn13Finding)
  }
  return replace(batch, { [ten]: repaired.isbn, [thirteen]: repaired.isbn13 })
}

const cleanLanguage = (batch: ColumnBatch, field: string, found: Found): ColumnBatch =>
  replace(batch, {
    [field]: mapColumn(columnOf(batch, field), (text, row) => {
      const code = languageCode(text)
      if (code === null) found(row, field, 'broken')
      return code
    }),
  })

/**
 * Valid rows made clean: text trimmed and freed of HTML, empty text null, languages in ISO 639-3, ISBNs repaired, as
 * `formats` has it. Takes and returns the same columns; `found` is told of every repair that a reader should know.
 */
export const clean = (formats: Formats, batch: ColumnBatch, found: Found): ColumnBatch => {
  const fieldOf = (wanted: Format) => [...formats].find(([, format]) => format === wanted)?.[0]
  const [ten, thirteen, language] = [fieldOf('isbn-10'), fieldOf('isbn-13'), fieldOf('language')]
  let cleaned = cleanText(batch, formats)
  if (ten !== undefined && thirteen !== undefined) cleaned = cleanIsbns(cleaned, [ten, thirteen], found)
  return language === undefined ? cleaned : cleanLanguage(cleaned, language, found)
}
