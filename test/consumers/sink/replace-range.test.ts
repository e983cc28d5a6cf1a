import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { heldOffsets, type KnownFiles, lastOffsetBelow, replaceRanges } from '../../../consumers/sink/replace-range.ts'
import { silverCounters, silverCountersWithin } from '../../../consumers/sink/replay-counters.ts'
import { appendValue, columnOf, type Field, newBatch, valueAt } from '../../../lake/columns/column.ts'
import { commit } from '../../../lake/delta/commit.ts'
import { scan } from '../../../lake/delta/scan.ts'
import { stageFiles } from '../../../lake/delta/stage.ts'
import { openTable, type Table } from '../../../lake/delta/table.ts'
import { openMemoryStore } from '../../../lake/store/memory.ts'

const fields: Field[] = [
  { name: '_topic_id', type: { kind: 'string' }, nullable: true },
  { name: '_partition', type: { kind: 'long' }, nullable: true },
  { name: '_offset', type: { kind: 'long' }, nullable: true },
  { name: '_late', type: { kind: 'boolean' }, nullable: true },
  { name: '_flags', type: { kind: 'list', element: { kind: 'string' } }, nullable: true },
  { name: 'day', type: { kind: 'string' }, nullable: true },
]
type Row = [topicId: string, partition: number, offset: number, late: boolean, flags: string[], day: string]

const write = async (table: Table, rows: Row[]) => {
  const batch = newBatch(fields)
  for (const row of rows) {
    for (const [index, value] of row.entries()) appendValue(batch.columns[index]!, value)
    batch.length++
  }
  await commit(table, {
    operation: 'WRITE',
    fields,
    partitionColumns: ['day'],
    adds: await stageFiles(table, batch, { partitionColumns: ['day'] }),
  })
}

const read = async (table: Table): Promise<string[]> => {
  const rows: string[] = []
  for await (const batch of scan(table.store, await table.snapshot(), { root: table.root, columns: fields.map(({ name }) => name) }))
    for (let row = 0; row < batch.length; row++) rows.push(fields.map(({ name }) => String(valueAt(columnOf(batch, name), row))).join(' '))
  return rows.sort()
}

const tableOf = async () => {
  const table = openTable(openMemoryStore(), 't')
  await write(table, [
    ['a', 0, 1, false, ['f'], 'x'],
    ['a', 0, 2, true, ['f', 'g'], 'y'],
    ['a', 1, 5, false, [], 'x'],
  ])
  await write(table, [
    ['a', 0, 3, true, ['f'], 'x'],
    ['b', 0, 3, false, ['g'], 'x'],
  ])
  await write(table, [['a', 0, 4, false, [], 'y']])
  return table
}

describe('rows of a range out of a table', () => {
  test('files that hold only such rows go; the others are written again with what stays, in their partition', async () => {
    const table = await tableOf()
    const replaced = await replaceRanges(table, await table.snapshot(), [{ topicId: 'a', partition: 0, from: 2 }])
    assert.deepEqual(replaced.gone, [{ rows: 3, late: 2, 'flag/f': 2, 'flag/g': 1 }])
    assert.equal(replaced.removes.length, 3)
    await commit(table, { operation: 'REPLAY', removes: replaced.removes, adds: replaced.adds })
    assert.deepEqual(await read(table), ['a 0 1 false f x', 'a 1 5 false  x', 'b 0 3 false g x'])
    assert.ok(replaced.adds.every(({ partitionValues }) => partitionValues['day'] === 'x'))
  })
  test('of several ranges at once, each is counted for itself', async () => {
    const table = await tableOf()
    const ranges = [
      { topicId: 'a', partition: 1, from: 0 },
      { topicId: 'b', partition: 0, from: 0 },
    ]
    const replaced = await replaceRanges(table, await table.snapshot(), ranges)
    assert.deepEqual(replaced.gone, [{ rows: 1 }, { rows: 1, 'flag/g': 1 }])
  })
  test('a range with an end: the rows behind it stay, but for those of its keys', async () => {
    const table = await tableOf()
    const snapshot = await table.snapshot()
    const { gone } = await replaceRanges(table, snapshot, [{ topicId: 'a', partition: 0, from: 1, to: 3 }])
    assert.deepEqual(gone, [{ rows: 2, late: 1, 'flag/f': 2, 'flag/g': 1 }])
    const keyed = openTable(openMemoryStore(), 't')
    const keyFields: Field[] = [...fields.slice(0, 3), { name: '_key', type: { kind: 'string' }, nullable: true }]
    const batch = newBatch(keyFields)
    for (const row of [
      ['a', 0, 1, 'x'],
      ['a', 0, 2, 'y'],
      ['a', 0, 3, 'x'],
      ['a', 0, 4, 'z'],
    ]) {
      for (const [index, value] of row.entries()) appendValue(batch.columns[index]!, value)
      batch.length++
    }
    await commit(keyed, { operation: 'WRITE', fields: keyFields, adds: await stageFiles(keyed, batch) })
    const range = { topicId: 'a', partition: 0, from: 1, to: 2, keys: new Set(['x']) }
    const known: KnownFiles = new Map()
    const first = await replaceRanges(keyed, await keyed.snapshot(), [range], known)
    assert.deepEqual(first.gone, [{ rows: 2 }])
    assert.deepEqual(await replaceRanges(keyed, await keyed.snapshot(), [range], known), first, 'a file that is known is not written again')
  })
  test('a range that holds nothing touches nothing', async () => {
    const table = await tableOf()
    const replaced = await replaceRanges(table, await table.snapshot(), [{ topicId: 'a', partition: 0, from: 9 }])
    assert.deepEqual(replaced, { removes: [], adds: [], gone: [{ rows: 0 }] })
  })
})

test('the last offset below another is that of the same topic and partition', async () => {
  const table = await tableOf()
  const snapshot = await table.snapshot()
  const last = (topicId: string, partition: number, below: number) => lastOffsetBelow(table, snapshot, { topicId, partition, below })
  assert.deepEqual(
    [await last('a', 0, 4), await last('a', 0, 9), await last('a', 0, 1), await last('b', 0, 3), await last('b', 0, 4)],
    [3, 4, null, null, 3],
  )
})

test('of some offsets, those are told that have a row', async () => {
  const table = await tableOf()
  const held = await heldOffsets(table, await table.snapshot(), [{ topicId: 'a', partition: 0, below: 9 }], [new Set([0, 1, 3, 7])])
  assert.deepEqual(held, [new Set([1, 3])])
})

describe("Silver's counters after a replay", () => {
  const before = { valid: 100, late: 10, repeat: 30, dead: 20, 'dead/a': 15, 'dead/b': 5, 'flag/f': 9 }
  const gone = { rows: 40, late: 4, 'flag/f': 3 }
  const dead = { a: 10, b: 2 }
  const again = { valid: 40, late: 4, repeat: 7, dead: 8, 'dead/a': 5, 'dead/b': 3, 'flag/f': 3 }
  const sum = ({ valid = 0, repeat = 0, dead = 0 }: Record<string, number>) => valid + repeat + dead
  test('the same outcome again changes nothing', () =>
    assert.deepEqual(silverCounters(before, gone, { dead, filled: 0, outcomes: again }), before))
  test('a rule that was loosened turns dead letters of the range into rows, and the sum stays', () => {
    const outcomes = { valid: 48, late: 4, repeat: 7, 'flag/f': 3, 'flag/g': 8 }
    const after = silverCounters(before, gone, { dead, filled: 0, outcomes })
    assert.deepEqual(after, { valid: 108, late: 10, repeat: 30, dead: 12, 'dead/a': 10, 'dead/b': 2, 'flag/f': 9, 'flag/g': 8 })
    assert.equal(sum(after), sum(before))
  })
  test('a rule that rejects where it had warned: what it had flagged in the range is a dead letter now', () => {
    const outcomes = { valid: 37, late: 4, repeat: 7, dead: 11, 'dead/a': 5, 'dead/b': 3, 'dead/f': 3 }
    const after = silverCounters(before, gone, { dead, filled: 0, outcomes })
    assert.deepEqual(after, { valid: 97, late: 10, repeat: 30, dead: 23, 'dead/a': 15, 'dead/b': 5, 'dead/f': 3, 'flag/f': 6 })
  })
  test('what fills a gap was counted nowhere before', () => {
    const after = silverCounters(before, gone, { dead, filled: 10, outcomes: { ...again, valid: 50 } })
    assert.deepEqual(after, { ...before, valid: 110 })
  })
  test('dead letters that were discarded since can not make a count negative', () => {
    const outcomes = { valid: 100, late: 10, repeat: 30, dead: 20, 'dead/a': 15, 'dead/b': 5, 'flag/f': 9 }
    const after = silverCounters(before, { rows: 100, late: 10, 'flag/f': 9 }, { dead: { a: 999 }, filled: 0, outcomes })
    assert.deepEqual(after, before)
  })
  test('of a range that ends before progress, what lies behind it keeps its counts', () => {
    const within = { dead: { a: 5, b: 3 }, filled: 0, outcomes: again }
    assert.deepEqual(silverCountersWithin(before, gone, within), before, 'the same outcome again')
    const loosened = silverCountersWithin(before, gone, { ...within, outcomes: { valid: 48, late: 4, repeat: 7, 'flag/f': 3 } })
    assert.deepEqual(loosened, { valid: 108, late: 10, repeat: 30, dead: 12, 'dead/a': 10, 'dead/b': 2, 'flag/f': 9 })
    assert.equal(sum(loosened), sum(before))
  })
})
