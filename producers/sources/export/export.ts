import { stat } from 'node:fs/promises'
import path from 'node:path'
import { exportId } from '../../../lineage/shelves/inbox.ts'
import { ReadflowError } from '../../../runtime/errors.ts'
import type { Log } from '../../../runtime/log.ts'
import { authorKeyOfName } from '../../../schemas/catalogue.ts'
import { emptyAuthor } from '../empty.ts'
import type { Position, Source, SourceBatch, SourceRecord } from '../source.ts'
import { BOOK_ID, type DayOrder, dayColumns, dayOrderOf, exportFieldOf, plainName } from './columns.ts'
import { csvRows } from './csv.ts'
import { encodingOfFile, linesOf } from './lines.ts'
import { type ExportPosition, goneSince, startOf } from './position.ts'
import { createRowReader } from './rows.ts'

const BATCH_RECORDS = 2000
const EXPORT_HINT = 'It is the CSV file that GoodReads gives at My Books → Import and export → Export library.'

export interface ExportSourceOptions {
  file: string
  /** Who the person is; the user id of the records is `export-` and this name, so that it is nobody's at GoodReads. */
  user?: string | undefined
  /** The user id itself, where it is given already. */
  userId?: string
  /** Names this source among others; default: the file and the user. */
  id?: string
  /** What messages call it; default: the path. */
  label?: string
  /** Told of each line that is no row, from 1. */
  onBrokenLine?: (line: number) => void
}

/**
 * The library that a person exported from GoodReads as a source: each row a book, its authors by name, a review, and
 * where it is rated a rating. An export tells no time of a change, so that the newest one read is what counts, and an
 * unchanged one only repeats. Throws ReadflowError `source-invalid` for a file that is no export, `config` for a user without a name.
 */
export const openExport = async ({
  file,
  user,
  userId: given,
  id,
  label = path.resolve(file),
  onBrokenLine,
}: ExportSourceOptions): Promise<Source> => {
  const root = path.resolve(file)
  const userId = given ?? exportId(user ?? path.basename(file, path.extname(file)))
  if (userId === null) {
    throw new ReadflowError('config', `The user '${user ?? file}' of a GoodReads export has neither letters nor digits.`, {
      hint: 'Write it as goodreads-export:FILE?user=NAME.',
    })
  }
  const found = await stat(root).catch(() => null)
  if (!found?.isFile()) throw new ReadflowError('source-invalid', `There is no file ${label}.`, { hint: EXPORT_HINT })
  return {
    name: 'goodreads-export',
    id: id ?? `goodreads-export:${root}?user=${userId}`,
    isGenerated: false,
    pollIntervalMs: null,
    poll: (position, { log }) => readExport({ file: root, label, userId, position, log, onBrokenLine }),
    fieldOf: exportFieldOf,
    close: async () => undefined,
  }
}

interface ReadOptions {
  file: string
  label: string
  userId: string
  position: Position | null
  log: Log
  onBrokenLine: ExportSourceOptions['onBrokenLine']
}

async function* readExport({ file, label, userId, position, log, onBrokenLine }: ReadOptions): AsyncGenerator<SourceBatch> {
  const { size, mtimeMs } = await stat(file)
  const start = startOf(position, `${size}:${Math.floor(mtimeMs)}`)
  const { books: lastBooks, rated: lastRated } = start
  const [books, rated] = [new Set(start.soFar?.books), new Set(start.soFar?.rated)]
  const authors = new Set<string>()
  const broken: number[] = []
  const nameless: number[] = []
  let readRow: ReturnType<typeof createRowReader> | null = null
  let records: SourceRecord[] = []
  let row = 0
  const encoding = await encodingOfFile(file, label)
  if (encoding === 'windows-1252') log.warn({ file: label }, 'the export is no UTF-8, and is read as windows-1252')
  const dayOrder = await dayOrderIn(csvRows(linesOf(file, { label, encoding })))
  for await (const { line, cells } of csvRows(linesOf(file, { label, encoding }))) {
    if (readRow === null) {
      if (!cells?.some((cell) => plainName(cell) === BOOK_ID)) {
        throw new ReadflowError('source-invalid', `${label} has no column 'Book Id' in its first line.`, { hint: EXPORT_HINT })
      }
      readRow = createRowReader(cells, userId, dayOrder)
      continue
    }
    row++
    if (cells === null) {
      broken.push(line)
      onBrokenLine?.(line)
      continue
    }
    if (row <= start.row) continue
    const { book, authors: names, review, rating } = readRow(cells)
    if (book.book_id === '') nameless.push(line)
    else books.add(book.book_id)
    if (rating) rated.add(book.book_id)
    records.push({ entity: 'books', value: book, requestId: null })
    for (const name of names) {
      const key = authorKeyOfName(name)
      if (authors.has(key)) continue
      authors.add(key)
      records.push({ entity: 'authors', value: { ...emptyAuthor(key), name }, requestId: null })
    }
    records.push({ entity: 'reviews', value: review, requestId: null })
    if (rating) records.push({ entity: 'ratings', value: rating, requestId: null })
    if (records.length >= BATCH_RECORDS) {
      const soFar = { books: [...books], rated: [...rated] }
      yield { records, position: { file: start.file, row, books: lastBooks, rated: lastRated, soFar } satisfies ExportPosition }
      records = []
    }
  }
  if (readRow === null) throw new ReadflowError('source-invalid', `${label} is empty.`, { hint: EXPORT_HINT })
  if (broken.length > 0) {
    log.warn({ file: label, lines: broken.slice(0, 20), records: broken.length }, 'lines of the export are no rows: a quote is broken')
  }
  if (nameless.length > 0) {
    log.warn({ file: label, lines: nameless.slice(0, 20), records: nameless.length }, 'rows without a Book Id are dead letters')
  }
  // A line that could not be read may be of any book, and a file without one is no library: then nothing counts as gone.
  if (broken.length > 0 || books.size === 0) {
    for (const id of lastBooks) books.add(id)
    for (const id of lastRated) rated.add(id)
  }
  const deletions = goneSince(userId, { books: lastBooks, rated: lastRated }, books, rated)
  yield { records, deletions, position: { file: start.file, row: 0, books: [...books], rated: [...rated] } }
}

/** Reads all days of a file, to know in which order they were written. */
const dayOrderIn = async (rows: AsyncIterable<{ cells: string[] | null }>): Promise<DayOrder | null> => {
  let columns: number[] | null = null
  const days = new Set<string>()
  for await (const { cells } of rows) {
    columns ??= (cells ?? []).flatMap((name, index) => (dayColumns.includes(plainName(name) as never) ? [index] : []))
    for (const column of columns) if (cells?.[column]?.includes('/')) days.add(cells[column])
  }
  return dayOrderOf(days)
}
