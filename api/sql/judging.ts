import { sqlText } from '../../lake/sql.ts'
import type { DuckDb } from '../../runtime/duckdb.ts'
import { type Filter, filtersOf, type Mention } from './filters.ts'
import { type Judgement, judge, type ParsedSql } from './guard.ts'
import type { Node } from './tree.ts'

/** What is made of a text before it runs: whether it may, what it reads, and what each mention of a table asks of its columns. */
export type Judged = Exclude<Judgement, { ok: true }> | (Extract<Judgement, { ok: true }> & { filters: Map<string, Filter[][]> })

/** Longer texts are no bounds that a statistic helps with. */
const MAX_BOUND = 1000

/**
 * Judges texts by what the parser of a sealed DuckDB, which has no table, says of them. In a worker: what a text costs to look at
 * is its own time and memory.
 */
export const createJudge = (open: () => Promise<DuckDb>) => {
  let opened: Promise<DuckDb> | undefined
  let template: Promise<string> | undefined
  const parser = () => {
    opened ??= open()
    return opened
  }

  const parse = async (sql: string): Promise<string> => {
    const [row] = await (await parser()).rows<{ json: unknown }>(`SELECT CAST(json_serialize_sql(${sqlText(sql)}) AS VARCHAR) AS json`)
    return String(row!.json)
  }

  /** A SELECT of expressions that the parser gave. */
  const textOf = async (expressions: readonly Node[]) => {
    template ??= parse('SELECT 1')
    const tree = JSON.parse(await template)
    tree.statements[0].node.select_list = expressions
    // Places in the text are numbers beyond what JSON holds, and of no use here.
    const text = JSON.stringify(tree, (key, value) => (key === 'query_location' ? 0 : value))
    const [row] = await (await parser()).rows<{ sql: string }>(`SELECT json_deserialize_sql(${sqlText(text)}) AS sql`)
    return row!.sql
  }

  /** The values of bounds, by asking for them; of none where one fails: then nothing is filtered. */
  const valuesOf = async (bounds: readonly Node[]): Promise<Map<Node, { value: unknown; type: string }>> => {
    if (bounds.length === 0) return new Map()
    try {
      const { columns, batches } = await (await parser()).stream(await textOf(bounds))
      const row = (await batches.next()).value?.[0] ?? []
      await batches.return()
      const isShort = (value: unknown) => typeof value !== 'string' || value.length <= MAX_BOUND
      return new Map(
        bounds.flatMap((bound, index) => (isShort(row[index]) ? [[bound, { value: row[index], type: columns[index]!.type }]] : [])),
      )
    } catch {
      return new Map()
    }
  }

  const withValues = async (mentions: ReadonlyMap<string, Mention[]>): Promise<Map<string, Filter[][]>> => {
    const all = [...mentions.values()].flat(2)
    const values = await valuesOf(all.flatMap(({ low, high }) => [low, high].filter((bound) => bound !== null)))
    const known = ({ column, low, high }: Mention[number]): Filter[] => {
      const [lowest, highest] = [low && values.get(low), high && values.get(high)]
      return lowest === undefined || highest === undefined ? [] : [{ column, low: lowest, high: highest }]
    }
    return new Map(Array.from(mentions, ([table, each]) => [table, each.map((filters) => filters.flatMap(known))]))
  }

  /** Judges a text of which EXPLAIN is taken off already. `known` has the names of the tables. */
  return async (sql: string, known: ReadonlySet<string>): Promise<Judged> => {
    const parsed = readTree(await parse(sql))
    const judged = judge(parsed, known, sql)
    return judged.ok ? { ...judged, filters: await withValues(filtersOf(parsed)) } : judged
  }
}

/** DuckDB writes a number that is too large for a DOUBLE as JSON has it not. */
const readTree = (json: string): ParsedSql => {
  try {
    return JSON.parse(json)
  } catch {
    return JSON.parse(json.replaceAll(/"(?:[^"\\]|\\.)*"|Infinity/g, (token) => (token === 'Infinity' ? '1e999' : token)))
  }
}
