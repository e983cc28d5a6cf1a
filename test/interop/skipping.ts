import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { AddFile } from '../../lake/delta/actions.ts'
import { commit } from '../../lake/delta/commit.ts'
import { stageFiles } from '../../lake/delta/stage.ts'
import { openTable } from '../../lake/delta/table.ts'
import { openStore } from '../../lake/store/open.ts'
import { tempDataDir } from '../helpers/stack.ts'
import { edges, everyBatch, everyValue, fields, partitionColumns } from './every-table.ts'
import { type Reader, type ReaderName, readerNames, readerSkip, type Where } from './readers.ts'
import { sharedReader } from './shared.ts'

/*
 * Readers leave out files by our statistics and partition values. A bound that is too narrow loses rows, so each value
 * at an edge is asked for, on a table where every file's bounds are such values.
 */

const dateText = (days: number) => new Date(days * 86_400_000).toISOString().slice(0, 10)
const timeText = (micros: bigint) => {
  const ms = micros / 1000n - (micros % 1000n < 0n ? 1n : 0n)
  return `${new Date(Number(ms)).toISOString().slice(0, -1)}${String(micros - ms * 1000n).padStart(3, '0')}+00:00`
}
// A literal with a NUL is a matter of each engine's SQL, not of ours.
const texts = edges.text.filter((text) => !text.includes('\0'))

/** Column, its type, and its values: as they are in `edges`, and as text for a predicate. */
const asked: { column: string; type: Where['type']; values: [unknown, string][] }[] = [
  { column: 'text', type: 'string', values: texts.map((text) => [text, text]) },
  { column: 'number', type: 'long', values: edges.number.map((long) => [long, String(long)]) },
  { column: 'real', type: 'double', values: edges.real.filter((real) => real !== 0).map((real) => [real, String(real)]) },
  { column: 'at', type: 'timestamp', values: edges.at.map((at) => [at, timeText(at)]) },
  { column: 'day', type: 'date', values: edges.day.map((day) => [day, dateText(day)]) },
  { column: 'flag', type: 'boolean', values: edges.flag.map((flag) => [flag, String(flag)]) },
  { column: 'p_text', type: 'string', values: edges.p_text.map((text) => [text, text]) },
  { column: 'p_day', type: 'date', values: edges.p_day.map((day) => [day, dateText(day)]) },
  { column: 'p_long', type: 'long', values: edges.p_long.map((long) => [long, String(long)]) },
  { column: 'p_flag', type: 'boolean', values: edges.p_flag.map((flag) => [flag, String(flag)]) },
]

const compare: Record<Exclude<Where['operator'], 'IS NULL'>, (order: number) => boolean> = {
  '=': (order) => order === 0,
  '<': (order) => order < 0,
  '<=': (order) => order <= 0,
  '>': (order) => order > 0,
  '>=': (order) => order >= 0,
}
const operators = Object.keys(compare) as (keyof typeof compare)[]
const order = (a: unknown, b: unknown): number => {
  if (typeof a === 'string') return Math.sign(Buffer.compare(Buffer.from(a), Buffer.from(b as string)))
  return (a as number) < (b as number) ? -1 : (a as number) > (b as number) ? 1 : 0
}

describe('no reader leaves out a file that it needs', () => {
  let folder: Awaited<ReturnType<typeof tempDataDir>>
  /** Rows by id: where each walks through the edges as `everyBatch` does. */
  const rows = new Map<number, Record<string, unknown>>()
  const ids: number[] = []
  const fileOf = new Map<number, number>()
  const hasNaN = (id: number) => [...rows].some(([other, row]) => fileOf.get(other) === fileOf.get(id) && Number.isNaN(row['real']))
  const tables = { true: 'every', wrong: 'wrong' }
  before(async () => {
    folder = await tempDataDir()
    const store = openStore(`file:${folder.dir}`)
    const staged: AddFile[] = []
    const table = openTable(store, tables.true)
    // Files of one row, whose bounds are that row's; then some of three rows, which share a partition.
    const files = [...Array.from({ length: 14 }, (_, id) => [id]), ...[100, 101, 102, 103, 104].map((id) => [id, id + 10, id + 20])]
    for (const ids of files) {
      const adds = await stageFiles(table, everyBatch(fields, ids), { partitionColumns })
      assert.equal(adds.length, 1)
      staged.push(...adds)
      for (const id of ids) {
        fileOf.set(id, staged.length)
        rows.set(id, Object.fromEntries(asked.map(({ column }) => [column, everyValue(column, id)])))
      }
    }
    await commit(table, { operation: 'WRITE', fields, partitionColumns, adds: staged })
    // The control: with a wrong bound rows are lost, so each reader does go by them.
    const wrong = openTable(store, tables.wrong)
    const adds = await stageFiles(wrong, everyBatch(fields.slice(0, 3), [0, 1, 2]))
    const stats = JSON.stringify({ numRecords: 3, minValues: { id: 500 }, maxValues: { id: 501 }, nullCount: { id: 0 } })
    await commit(wrong, { operation: 'WRITE', fields: fields.slice(0, 3), adds: adds.map((add) => ({ ...add, stats })) })
    await store.close()
    ids.push(...[...rows.keys()].sort((a, b) => a - b))
  })
  after(() => folder.remove())

  const withReader = (name: ReaderName, via: 'sql' | undefined) =>
    describe(via ? `${name}, in SQL` : name, { skip: readerSkip(name) }, () => {
      let reader: Reader
      // Its pyarrow datasets take a missing bound for one that nothing matches; where a file has NaN there is none to give.
      const cannotFilterNaN = name === 'delta-rs' && via === undefined
      /** The ids of the rows that each predicate selects. */
      const idsOf = async (wheres: Where[], table = tables.true): Promise<number[][]> => {
        const job = { table: `${folder.dir}/${table}`, version: 0, column: 'id', wheres, ...(via ? { via } : {}) }
        return (await reader.ask<number[][]>('each', job)).map((ids) => ids.sort((a, b) => a - b))
      }
      before(async () => {
        reader = await sharedReader(name)
      })

      for (const { column, type, values } of asked)
        it(`finds every value of ${column}`, async () => {
          // NaN equals itself for some engines and not for others; Spark finds no day that the Julian calendar had skipped.
          const known = values.filter(([value, text]) => !Number.isNaN(value) && !(name === 'Spark' && text.startsWith('1582-10-10')))
          const queries = known.flatMap(([value, text]) =>
            // Spark takes a quarter of a second to plan each.
            (name === 'Spark' ? (['='] as const) : operators).map((operator) => ({
              value,
              where: { column, operator, type, value: text },
            })),
          )
          const isEmpty: Where = { column, operator: 'IS NULL', type, value: '' }
          const [empty, ...found] = await idsOf([isEmpty, ...queries.map(({ where }) => where)])
          assert.deepEqual(
            empty,
            ids.filter((id) => rows.get(id)![column] === null),
          )
          for (const [index, { value, where }] of queries.entries()) {
            // Whether NaN is beyond all numbers is the engine's to say.
            const isTold = (id: number) => !Number.isNaN(rows.get(id)![column]) && !(cannotFilterNaN && column === 'real' && hasNaN(id))
            const isWanted = (id: number) => {
              const has = rows.get(id)![column]
              return isTold(id) && has !== null && compare[where.operator](order(has, value))
            }
            assert.deepEqual(found[index]!.filter(isTold), ids.filter(isWanted), `${column} ${where.operator} ${where.value}`)
          }
        })

      it('goes by the statistics at all', async () => {
        assert.deepEqual(await idsOf([{ column: 'id', operator: '=', type: 'long', value: '1' }], tables.wrong), [[]])
      })
    })

  for (const name of readerNames) withReader(name, undefined)
  withReader('delta-rs', 'sql')
})
