import { openTable, type Table } from '../../lake/delta/table.ts'
import type { LocalFiles } from '../../lake/store/local-files.ts'
import type { ObjectStore } from '../../lake/store/store.ts'
import type { Lineage } from '../../lineage/trace/answer.ts'
import { type Question, trace } from '../../lineage/trace/trace.ts'
import type { DuckDb } from '../../runtime/duckdb.ts'
import { ReadflowError } from '../../runtime/errors.ts'
import { createTurns } from '../../runtime/turns.ts'
import { Problem } from '../http/problem.ts'

/** Where the rows of a key came from. Throws a 404 for a table, key or version that is not there, 503 where too many ask at once. */
export type AskLineage = (question: Question) => Promise<Lineage>

/** Each takes a DuckDB for a moment: they come one after the other, and so many may wait. */
const MAX_WAITING = 16

export const openLineage = ({
  store,
  files,
  openDuckDb,
}: {
  store: ObjectStore
  files: LocalFiles
  openDuckDb: () => Promise<DuckDb>
}): AskLineage => {
  const inTurn = createTurns()
  const tables = new Map<string, Table>()
  const tableAt = (root: string): Table => {
    const table = tables.get(root) ?? openTable(store, root)
    tables.set(root, table)
    return table
  }
  let waiting = 0
  return async (question) => {
    if (waiting >= MAX_WAITING)
      throw new Problem(503, 'Too many questions of this kind at once. Try again.', { headers: { 'Retry-After': '2' } })
    waiting++
    try {
      return await inTurn(async () => {
        const duckdb = await openDuckDb()
        try {
          return await trace({ store, files, duckdb, tableAt }, question)
        } finally {
          await duckdb.close()
        }
      })
    } catch (error) {
      const isAbsent = error instanceof ReadflowError && (error.code === 'lake-not-found' || error.code === 'config')
      if (!isAbsent) throw error
      throw new Problem(404, [error.message, error.hint].filter(Boolean).join(' '))
    } finally {
      waiting--
    }
  }
}
