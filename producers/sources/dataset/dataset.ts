import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import path from 'node:path'
import { parse } from 'csv-parse'
import { ReadflowError } from '../../../runtime/errors.ts'
import { authorKeyOfName } from '../../../schemas/catalogue.ts'
import type { BookShelf } from '../../../schemas/records.ts'
import type { Position, Source, SourceBatch, SourceRecord } from '../source.ts'
import { authorRecord, bookRecord, ratingRecord, splitAuthors } from './rows.ts'

type Row = Record<string, string>
interface DatasetPosition {
  phase: 'books' | 'ratings' | 'done'
  row: number
}

const BATCH_RECORDS = 5000
const files = { books: 'books.csv', ratings: 'ratings.csv', bookTags: 'book_tags.csv', tags: 'tags.csv' } as const
const columns = {
  books: ['book_id', 'goodreads_book_id', 'title', 'authors'],
  ratings: ['user_id', 'book_id', 'rating'],
  bookTags: ['goodreads_book_id', 'tag_id', 'count'],
  tags: ['tag_id', 'tag_name'],
} as const

/** Rows of one CSV file. Throws ReadflowError `source-invalid` naming file and line. */
async function* rowsOf(dir: string, name: keyof typeof files): AsyncGenerator<Row> {
  const file = path.join(dir, files[name])
  const parser = createReadStream(file).pipe(parse({ columns: true, bom: true, skip_empty_lines: true, max_record_size: 1024 * 1024 }))
  try {
    let isFirst = true
    for await (const row of parser as AsyncIterable<Row>) {
      if (isFirst) checkColumns(file, columns[name], row)
      isFirst = false
      yield row
    }
  } catch (cause) {
    if (cause instanceof ReadflowError) throw cause
    throw new ReadflowError('source-invalid', `${file} can not be read: ${cause instanceof Error ? cause.message : cause}.`, { cause })
  }
}

const checkColumns = (file: string, needed: readonly string[], row: Row) => {
  const missing = needed.filter((column) => !(column in row))
  if (missing.length > 0)
    throw new ReadflowError('source-invalid', `${file} has no column ${missing.join(', ')}.`, {
      hint: 'dataset: reads a folder in the form of goodbooks-10k.',
    })
}

const hasFile = (dir: string, name: keyof typeof files) =>
  stat(path.join(dir, files[name])).then(
    (found) => found.isFile(),
    () => false,
  )

/** Shelves of each book by its GoodReads id: the tags that readers gave, most used first. */
const readShelves = async (dir: string): Promise<Map<string, BookShelf[]>> => {
  const shelves = new Map<string, BookShelf[]>()
  if (!((await hasFile(dir, 'tags')) && (await hasFile(dir, 'bookTags')))) return shelves
  const names = new Map<string, string>()
  for await (const row of rowsOf(dir, 'tags')) names.set(row['tag_id'] ?? '', row['tag_name'] ?? '')
  for await (const row of rowsOf(dir, 'bookTags')) {
    const name = names.get(row['tag_id'] ?? '')
    const count = Number(row['count'])
    if (!name || !Number.isInteger(count)) continue
    const id = row['goodreads_book_id'] ?? ''
    const list = shelves.get(id) ?? []
    list.push({ name, count })
    shelves.set(id, list)
  }
  for (const list of shelves.values()) list.sort((a, b) => b.count - a.count || (a.name < b.name ? -1 : 1))
  return shelves
}

/**
 * The goodbooks-10k data set as a source: `books.csv` (books and their authors), then `ratings.csv`. Ratings
 * name books by another number than GoodReads does; both become GoodReads ids. Authors have no ids there:
 * their key is their name.
 */
export const openDataset = async (dir: string): Promise<Source> => {
  const root = path.resolve(dir)
  for (const name of ['books', 'ratings'] as const) {
    if (!(await hasFile(root, name))) {
      throw new ReadflowError('source-invalid', `There is no ${files[name]} in ${root}.`, {
        hint: 'dataset:DIR needs the folder of goodbooks-10k, with books.csv and ratings.csv.',
      })
    }
  }
  return {
    name: 'dataset',
    id: `dataset:${root}`,
    isGenerated: false,
    pollIntervalMs: null,
    poll: (position) => readAll(root, startOf(position)),
    close: async () => undefined,
  }
}

/** A file that was read to its end starts over; an interrupted one goes on. */
const startOf = (position: Position | null): DatasetPosition => {
  const { phase, row } = (position ?? {}) as Partial<DatasetPosition>
  return (phase === 'books' || phase === 'ratings') && typeof row === 'number' ? { phase, row } : { phase: 'books', row: 0 }
}

async function* readAll(dir: string, start: DatasetPosition): AsyncGenerator<SourceBatch> {
  const goodreadsIds = new Map<string, string>()
  if (start.phase === 'books') yield* readBooks(dir, start.row, goodreadsIds)
  else for await (const row of rowsOf(dir, 'books')) goodreadsIds.set(row['book_id'] ?? '', row['goodreads_book_id'] ?? '')
  yield* readRatings(dir, start.phase === 'ratings' ? start.row : 0, goodreadsIds)
}

async function* readBooks(dir: string, skip: number, goodreadsIds: Map<string, string>): AsyncGenerator<SourceBatch> {
  const shelves = await readShelves(dir)
  const authors = new Set<string>()
  let records: SourceRecord[] = []
  let row = 0
  for await (const csv of rowsOf(dir, 'books')) {
    row++
    goodreadsIds.set(csv['book_id'] ?? '', csv['goodreads_book_id'] ?? '')
    const names = splitAuthors(csv['authors'] ?? '')
    const fresh = names.filter((name) => !authors.has(authorKeyOfName(name)))
    for (const name of fresh) authors.add(authorKeyOfName(name))
    if (row <= skip) continue
    records.push({ entity: 'books', value: bookRecord(csv, shelves.get(csv['goodreads_book_id'] ?? '') ?? []), requestId: null })
    for (const name of fresh) records.push({ entity: 'authors', value: authorRecord(name), requestId: null })
    if (records.length >= BATCH_RECORDS) {
      yield { records, position: { phase: 'books', row } }
      records = []
    }
  }
  yield { records, position: { phase: 'ratings', row: 0 } }
}

async function* readRatings(dir: string, skip: number, goodreadsIds: Map<string, string>): AsyncGenerator<SourceBatch> {
  let records: SourceRecord[] = []
  let row = 0
  for await (const csv of rowsOf(dir, 'ratings')) {
    row++
    if (row <= skip) continue
    records.push({ entity: 'ratings', value: ratingRecord(csv, goodreadsIds), requestId: null })
    if (records.length >= BATCH_RECORDS) {
      yield { records, position: { phase: 'ratings', row } }
      records = []
    }
  }
  yield { records, position: { phase: 'done', row } }
}
