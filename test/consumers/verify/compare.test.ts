import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  addRecord,
  type Chunks,
  type Content,
  compareContents,
  contentOf,
  differingChunks,
  digestSql,
  noDifferences,
} from '../../../consumers/verify/compare.ts'
import { originOf } from '../../../consumers/verify/dead-letters.ts'
import { checkLedger, type LedgerInput, type Step } from '../../../consumers/verify/ledger.ts'
import { addOffset, addRange, noOffsets, type OffsetRange, rangeText, sizeOf, subtract } from '../../../consumers/verify/offsets.ts'
import { receive } from '../../../consumers/verify/receive.ts'
import { openDuckDb } from '../../../runtime/duckdb.ts'
import type { Delivered } from '../../../runtime/kafka/second/reader.ts'

const record = (offset: number, value: string | null = `value ${offset}`, key: string | null = `key ${offset}`) => ({
  offset,
  key: key === null ? null : Buffer.from(key),
  value: value === null ? null : Buffer.from(value),
  headers: [],
  timestampMs: 0,
  isLogAppendTime: true,
})

test('offsets are counted all and shown as few ranges', () => {
  const offsets = noOffsets()
  for (const offset of [3, 7, 8, 9]) addOffset(offsets, offset)
  assert.equal(rangeText(offsets), '3, 7–9')
  for (let at = 100; at < 200; at += 2) addOffset(offsets, at)
  assert.equal(offsets.count, 54)
  assert.match(rangeText(offsets), /^3, 7–9, 100, .* and more$/)
  const part = noOffsets()
  addRange(part, { from: 10, to: 20 }, 3)
  assert.equal(part.count, 3)
})

test('a range less others is what is in none of them', () => {
  const range = fc.record({ from: fc.nat(40), size: fc.nat(10) }).map(({ from, size }) => ({ from, to: from + size }))
  fc.assert(
    fc.property(range, fc.array(range, { maxLength: 6 }), (whole, others) => {
      const all = (of: OffsetRange) => Array.from({ length: of.to - of.from }, (_, index) => of.from + index)
      const want = all(whole).filter((offset) => !others.some(({ from, to }) => offset >= from && offset < to))
      assert.deepEqual(subtract(whole, others).flatMap(all), want)
      assert.equal(sizeOf(subtract(whole, others)), want.length)
    }),
  )
})

test('sums in SQL are those of the records, whatever they hold', async () => {
  const duckdb = await openDuckDb()
  const records = [record(0), record(1, null), record(2, 'x', null), record(3, '', ''), record(4, null, null), record(5, 'é\0', 'ÿ')]
  try {
    for (const each of records) {
      const { valueHash, key } = contentOf(each)
      const hash = valueHash === null ? 'NULL::VARCHAR' : `'${valueHash}'`
      const bytes = key === null ? 'NULL::BLOB' : `unhex('${key}')`
      const sql = digestSql('h', 'k').map((digits, at) => `(${digits})::BIGINT * ${each.offset + 1} AS s${at}`)
      const [row] = await duckdb.rows(`SELECT ${sql.join(', ')} FROM (SELECT ${hash} AS h, ${bytes} AS k)`)
      const chunks: Chunks = new Map()
      addRecord(chunks, each)
      assert.deepEqual(Object.values(row ?? {}), chunks.get(0)?.sums, `offset ${each.offset}`)
    }
  } finally {
    await duckdb.close()
  }
})

test('runs differ by a record more, less, doubled, swapped, or of another value or key', () => {
  const chunksOf = (records: readonly ReturnType<typeof record>[]) => {
    const chunks: Chunks = new Map()
    for (const each of records) addRecord(chunks, each)
    return chunks
  }
  const base = [1, 2, 3, 5000, 9000].map((offset) => record(offset))
  const differing = (records: readonly ReturnType<typeof record>[]) => differingChunks(chunksOf(records), chunksOf(base))
  assert.deepEqual(differing(base), [])
  assert.deepEqual(differing(base.slice(1)), [0])
  assert.deepEqual(differing([...base, record(4)]), [0])
  assert.deepEqual(differing([...base, record(5000)]), [1])
  assert.deepEqual(differing([...base.slice(1), record(2)]), [0])
  assert.deepEqual(differing([...base.slice(0, 4), record(9000, 'other')]), [2])
  assert.deepEqual(differing([...base.slice(0, 4), record(9000, 'value 9000', 'other')]), [2])
  assert.deepEqual(differing([record(1, 'value 2', 'key 2'), record(2, 'value 1', 'key 1'), ...base.slice(2)]), [0])
  assert.deepEqual(differing([]), [0, 1, 2])
})

test('compared offset by offset, each fault is named', () => {
  const content = (offset: number, value = 'v'): Content => contentOf(record(offset, value))
  const found = noDifferences()
  const rows = [content(0), content(2), content(2), content(3, 'other'), content(5), content(9)]
  compareContents(
    rows,
    [0, 1, 2, 3, 4].map((at) => content(at, 'v')),
    found,
  )
  assert.deepEqual(
    [found.missing, found.duplicate, found.different, found.foreign].map((offsets) => [offsets.count, rangeText(offsets)]),
    [
      [2, '1, 4'],
      [1, '2'],
      [1, '3'],
      [2, '5, 9'],
    ],
  )
})

/** Steps as the table's own query gives them. */
const stepsOf = (rows: readonly { offset: number; undelivered: number }[]): Step[] =>
  rows
    .map((row, index): Step => ({ ...row, before: rows[index - 1]?.offset ?? null }))
    .filter(({ before, offset, undelivered }) => before === null || offset - before - 1 !== undelivered)

test('the ledger accounts for every offset, and for any row that is taken away or doubled it does not', () => {
  const partition = fc.record({
    kinds: fc.array(fc.constantFrom('row', 'row', 'row', 'undelivered', 'gap'), { minLength: 1, maxLength: 60 }),
    start: fc.nat(50),
    drop: fc.nat(),
  })
  fc.assert(
    fc.property(partition, ({ kinds, start, drop }) => {
      const rows: { offset: number; undelivered: number }[] = []
      const gaps: OffsetRange[] = []
      let waiting = 0
      for (const [index, kind] of kinds.entries()) {
        const offset = start + index
        if (kind === 'undelivered') waiting++
        else if (kind === 'gap') gaps.push({ from: offset, to: offset + 1 })
        else {
          rows.push({ offset, undelivered: waiting })
          waiting = 0
        }
      }
      const common = { start, progress: start + kinds.length, tail: waiting, gaps }
      const input = (of: typeof rows): LedgerInput => ({ ...common, last: of.at(-1)?.offset ?? null, steps: stepsOf(of) })
      const sound = checkLedger(input(rows))
      assert.deepEqual([sound.missing.count, sound.duplicate.count, sound.overlapping.count], [0, 0, 0])
      const at = drop % rows.length
      const row = rows[at]
      if (!row) return
      assert.equal(checkLedger(input(rows.toSpliced(at, 1))).missing.count, 1 + row.undelivered)
      assert.equal(checkLedger(input(rows.toSpliced(at, 0, row))).duplicate.count, 1)
      const claimed = rows.with(at, { ...row, undelivered: row.undelivered + 1 })
      if (gaps.length === 0) assert.equal(checkLedger(input(claimed)).overlapping.count, 1)
      assert.equal(checkLedger({ ...input(rows), progress: common.progress + 2 }).missing.count, 2)
    }),
  )
})

test('what Kafka gives is summed and counted, and what it does not give is named', async () => {
  async function* batches(): AsyncGenerator<Delivered> {
    yield { fromOffset: 0, nextOffset: 5, records: [], lost: 'expired' }
    yield { fromOffset: 5, nextOffset: 8, records: [record(5), record(6), record(7)], lost: null }
    yield { fromOffset: 8, nextOffset: 10, records: [record(9)], lost: null }
  }
  const received = await receive(batches(), { bronze: [{ from: 0, to: 7 }], silver: [{ from: 6, to: 10 }] })
  assert.deepEqual(received.lost, [{ from: 0, to: 5, reason: 'expired' }])
  assert.deepEqual([received.count, received.silverCount, received.chunks.get(0)?.count], [4, 3, 2])
})

test('a dead letter names its origin, and what does not is none of ours', () => {
  const headers = (...pairs: [string, string][]) => ({
    headers: pairs.map(([name, value]): [Buffer, Buffer] => [Buffer.from(name), Buffer.from(value)]),
  })
  const own: [string, string][] = [
    ['readflow.topic-id', 'abc'],
    ['readflow.partition', '3'],
    ['readflow.offset', '12'],
  ]
  assert.equal(originOf(headers(...own)), 'abc/3/12')
  assert.equal(originOf(headers(...own.slice(1))), null)
  assert.equal(originOf(headers(...own.slice(0, 2), ['readflow.offset', '1; DROP'])), null)
})
