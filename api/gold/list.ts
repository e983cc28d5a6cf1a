import { z } from 'zod'
import type { Condition } from '../../lineage/conditions.ts'
import type { QueryOptions } from '../../runtime/duckdb.ts'
import { badCursor, type CursorKey, decodeCursor, encodeCursor, questionOf, requireQuestion } from '../http/cursor.ts'
import type { RowsAnswer } from '../http/formats.ts'
import { listOf, wholeOr } from '../http/parameters.ts'
import { Problem } from '../http/problem.ts'
import { defineRoute, type Route } from '../http/route.ts'
import type { GoldVersion } from './version.ts'

type Sql = string
type SqlParamsByName = Record<string, string | number>

/** One column of a list: how it is made, and what it is. */
export interface ListColumn {
  sql: Sql
  type: z.ZodType
}

/** What an order goes by; the rows' own key comes last, so that every order is a total one. Nulls come last. */
export interface OrderTerm {
  sql: Sql
  descending?: boolean
}

export interface ListFilters {
  conditions: Sql[]
  /** Those that only an order asks for begin with `order_`. */
  params: SqlParamsByName
  /** For a list of facts: what passes over files. */
  scan?: Condition[]
}

export interface ListRoute<Q extends z.ZodObject> {
  path: string
  summary: string
  /** Name of the list in the answer. */
  name: string
  filters: Q
  columns: Record<string, ListColumn>
  /** SQL of the rows, from `FROM` on, as `f`; `relation` stands for the rows of `fact` where there is one. */
  from: (gold: GoldVersion, relation: Sql) => Sql
  /** Joins that only columns need: made for the rows of a page, after these were found. They add and drop no row. */
  join?: (gold: GoldVersion) => Sql
  /** The fact table that is scanned; without one the list is over tables that are open. */
  fact?: string
  where: (query: z.output<Q>) => ListFilters
  orders: Readonly<Record<string, readonly OrderTerm[]>>
  /** The order where `sort` is not given. */
  defaultOrder: string
  /** What makes a row one of its kind. */
  key: Sql
}

/** What is asked for one page: the SQL of its rows, with the columns that are wanted and then the keys of the order. */
interface Page {
  sql: (limit: number) => Sql
  /** The keys of a row by its place, from 0, and of the one after it. */
  keysFrom: (row: number) => Sql
  count: Sql
  params: SqlParamsByName
  wanted: string[]
  /** The cursor of what comes after a row. */
  cursorAfter: (row: Record<string, unknown>) => string
  question: string
}

const MAX_LIMIT = 1000
const MAX_ROWS = 1_000_000

/** A text as an order goes by it: its beginning, as a cursor has to have it whole. The rows' own key parts what begins alike. */
export const sortedText = (sql: Sql): Sql => `left(${sql}, 200)`

/** A list over one Gold version: filtered, sorted, a page at a time by keys; as NDJSON or CSV it comes as a stream. */
export const defineList = <Q extends z.ZodObject>(list: ListRoute<Q>): Route => {
  const { path, summary, name, filters, columns, orders, defaultOrder } = list
  const names = Object.keys(columns)
  const sorts = Object.keys(orders) as [string, ...string[]]
  const query = z.strictObject({
    ...filters.shape,
    sort: z
      .enum(sorts, { error: `must be one of ${sorts.join(', ')}` })
      .default(defaultOrder)
      .describe('order'),
    fields: listOf(names)
      .optional()
      .describe(`columns that are wanted, with commas between: ${names.join(', ')}`),
    limit: wholeOr(1, MAX_ROWS, 50).describe(`rows on a page; as JSON at most ${MAX_LIMIT}`),
    cursor: z.string().max(4000).optional().describe('next_cursor of the page before'),
  })
  type Query = z.output<typeof query> & { fields?: string[]; limit: number; cursor?: string; sort: string }
  const row = z.object(Object.fromEntries(Object.entries(columns).map(([column, { type }]) => [column, type])))

  /** Does work on the query's page. */
  const withPage = async <T>(gold: GoldVersion, asked: Query, work: (page: Page) => Promise<T>): Promise<T> => {
    const question = questionOf({ path, ...asked })
    const cursor = asked.cursor === undefined ? null : decodeCursor(asked.cursor)
    if (cursor) requireQuestion(cursor, question)
    const order: OrderTerm[] = [...orders[asked.sort]!, { sql: list.key }]
    const { conditions, params, scan = [] } = list.where(asked as never)
    const after = cursor ? afterRow(order, cursor.after) : { condition: 'true', params: {} }
    const wanted = asked.fields ?? names
    const selected = wanted.map((column) => `${columns[column]!.sql} AS "${column}"`)
    const keys = order.map(({ sql }, index) => `${sql} AS "__key_${index}"`)
    const inOrder = order.map(({ descending }, index) => `"__key_${index}" ${descending ? 'DESC' : 'ASC'} NULLS LAST`).join(', ')
    const given = conditions.length === 0 ? 'true' : gold.expand(conditions.join(' AND '))
    const run = (relation: Sql) => {
      const from = list.from(gold, relation)
      const where = `WHERE ${given} AND ${after.condition} ORDER BY ${inOrder}`
      return work({
        sql: (limit) => {
          if (!list.join) return `SELECT ${[...selected, ...keys].join(', ')} ${from} ${where} LIMIT ${limit}`
          const named = order.map((_, index) => `f."__key_${index}"`)
          return `SELECT ${[...selected, ...named].join(', ')} FROM (SELECT f.*, ${keys.join(', ')} ${from} ${where} LIMIT ${limit}) f
            ${list.join(gold)} ORDER BY ${inOrder}`
        },
        keysFrom: (row) => `SELECT ${keys.join(', ')} ${from} ${where} LIMIT 2 OFFSET ${row}`,
        count: `SELECT count(*) AS total ${from} WHERE ${given}`,
        params: { ...params, ...after.params },
        wanted,
        cursorAfter: (row) =>
          encodeCursor({ version: gold.version, after: order.map((_, index) => row[`__key_${index}`] as CursorKey), question }),
        question,
      }).catch((error: unknown) => {
        // A key of another type than its column: nobody got such a cursor from here.
        const isForged = cursor !== null && error instanceof Error && /^(Conversion|Binder) Error/.test(error.message)
        throw isForged ? badCursor('is not one that this API gave out') : error
      })
    }
    return list.fact === undefined ? run('') : gold.scan(list.fact, scan, run)
  }

  const countOf = async (gold: GoldVersion, { count, params }: Page, options: QueryOptions = {}): Promise<number> => {
    const filterParams = Object.fromEntries(Object.entries(params).filter(([param]) => !/^(after|order)_/.test(param)))
    return (await gold.rows<{ total: number }>(count, filterParams, options))[0]!.total
  }
  const totalOf = (gold: GoldVersion, page: Page): Promise<number> =>
    gold.answers.answer(`total ${path} ${page.question}`, () => countOf(gold, page))
  /** The rows of one page, and what asks for the next. */
  const pageOf = async (gold: GoldVersion, page: Page, limit: number, options: QueryOptions = {}) => {
    const [total, found] = await Promise.all([totalOf(gold, page), gold.rows(page.sql(limit + 1), page.params, options)])
    const rows = found.slice(0, limit)
    return { total, rows, next: found.length > limit ? page.cursorAfter(rows.at(-1)!) : null }
  }

  const handle = async ({ query: asked, gold }: { query: Query; gold: GoldVersion }) => {
    if (asked.limit > MAX_LIMIT) {
      const detail = `must be a whole number from 1 to ${MAX_LIMIT}; up to ${MAX_ROWS} as NDJSON or CSV`
      throw new Problem(400, `limit ${detail}.`, { faults: [{ parameter: 'limit', detail }] })
    }
    return withPage(gold, asked, async (page) => {
      const { total, rows, next } = await pageOf(gold, page, asked.limit)
      return {
        total,
        [name]: rows.map((each) => Object.fromEntries(page.wanted.map((column) => [column, each[column]]))),
        next_cursor: next,
      }
    })
  }

  const stream = (
    { query: asked, gold, signal }: { query: Query; gold: GoldVersion; signal?: AbortSignal },
    work: (rows: RowsAnswer) => Promise<void>,
  ) =>
    withPage(gold, asked, async (page) => {
      const { sql, keysFrom, params, wanted: columns, cursorAfter } = page
      const { limit } = asked
      const options = signal ? { signal } : {}
      if (limit <= MAX_LIMIT) {
        const { total, rows, next } = await pageOf(gold, page, limit, options)
        return work({ columns, total, next, batches: only(rows.map((row) => columns.map((column) => row[column]))) })
      }
      // Of its own, so that it ends with its reader: one that is kept is everybody's.
      const total = await countOf(gold, page, options)
      const [last, beyond] = total > limit ? await gold.rows(keysFrom(limit - 1), params, options) : []
      const { batches } = await gold.stream(sql(limit), params, options)
      try {
        // Before anything is sent: what is wrong with the question is found by now.
        const first = await batches.next()
        await work({ columns, total, next: beyond ? cursorAfter(last!) : null, batches: cut(first, batches, columns.length) })
      } finally {
        await batches.return()
      }
    })

  return defineRoute({
    path,
    summary,
    query,
    answer: z.object({
      total: z.int().describe('rows that meet the filters'),
      [name]: z.array(row.partial()),
      next_cursor: z.string().nullable().describe('asks for the next page as cursor; null on the last'),
    }),
    rows: name,
    pinnedVersion: (asked) => ((asked as Query).cursor === undefined ? undefined : decodeCursor((asked as Query).cursor!).version),
    handle: handle as never,
    stream: stream as never,
  })
}

async function* only(rows: unknown[][]) {
  yield rows
}

/** Rows without the keys after them: the first batch, and those that come. */
async function* cut(first: IteratorResult<unknown[][], undefined>, batches: AsyncIterable<unknown[][]>, width: number) {
  if (first.done) return
  yield first.value.map((row) => row.slice(0, width))
  for await (const batch of batches) yield batch.map((row) => row.slice(0, width))
}

/** The rows after one that has these keys, in an order whose nulls come last. */
const afterRow = (order: readonly OrderTerm[], keys: readonly CursorKey[]): { condition: Sql; params: Record<string, never> } => {
  if (keys.length !== order.length) throw badCursor('belongs to another order')
  const params: Record<string, unknown> = {}
  const conditions = order.map(({ sql, descending }, index) => {
    const same = order.slice(0, index).map((term, before) => `${term.sql} IS NOT DISTINCT FROM ${param(before)}`)
    const beyond = keys[index] === null ? 'false' : `(${sql} ${descending ? '<' : '>'} ${param(index)} OR ${sql} IS NULL)`
    return `(${[...same, beyond].join(' AND ')})`
  })
  function param(index: number): Sql {
    if (keys[index] === null) return 'NULL'
    params[`after_${index}`] = keys[index]
    return `$after_${index}`
  }
  return { condition: `(${conditions.join(' OR ')})`, params: params as Record<string, never> }
}
