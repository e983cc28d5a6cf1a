import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { heldOffsets, lastOffsetBelow, replaceRanges } from '../../../consumers/sink/replace-range.ts'
import { silverCounters } from '../../../consumers/sink/replay.ts'
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
  { name: 'day', type: { kind: 'string' }, nullable: true },
]
type Row = [topicId: string, partition: number, offset: number, late: boolean, day: string]

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
    ['a', 0, 1, false, 'x'],
    ['a', 0, 2, true, 'y'],
    ['a', 1, 5, false, 'x'],
  ])
  await write(table, [
    ['a', 0, 3, true, 'x'],
    ['b', 0, 3, false, 'x'],
  ])
  await write(table, [['a', 0, 4, false, 'y']])
  return table
}

describe('rows of a range out of a table', () => {
  test('files that hold only such rows go; the others are written again with what stays, in their partition', async () => {
    const table = await tableOf()
    const replaced = await replaceRanges(table, await table.snapshot(), [{ topicId: 'a', partition: 0, from: 2 }])
    assert.deepEqual([replaced.rows, replaced.late], [[3], [2]])
    assert.equal(replaced.removes.length, 3)
    await commit(table, { operation: 'REPLAY', removes: replaced.removes, adds: replaced.adds })
    assert.deepEqual(await read(table), ['a 0 1 false x', 'a 1 5 false x', 'b 0 3 false x'])
    assert.ok(replaced.adds.every(({ partitionValues }) => partitionValues['day'] === 'x'))
  })
  test('of several ranges at once, each is counted for itself', async () => {
    const table = await tableOf()
    const ranges = [
      { topicId: 'a', partition: 1, from: 0 },
      { topicId: 'b', partition: 0, from: 0 },
    ]
    const replaced = await replaceRanges(table, await table.snapshot(), ranges)
    assert.deepEqual(replaced.rows, [1, 1])
  })
  test('a range that holds nothing touches nothing', async () => {
    const table = await tableOf()
    const replaced = await replaceRanges(table, await table.snapshot(), [{ topicId: 'a', partition: 0, from: 9 }])
    assert.deepEqual(replaced, { removes: [], adds: [], rows: [0], late: [0] })
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

test('of some offsets, those that have a row are counted', async () => {
  const table = await tableOf()
  const held = await heldOffsets(table, await table.snapshot(), [{ topicId: 'a', partition: 0, below: 9 }], [new Set([0, 1, 3, 7])])
  assert.deepEqual(held, [2])
})

describe("Silver's counters after a replay", () => {
  const before = { valid: 100, late: 10, repeat: 30, dead: 20 }
  const sum = ({ valid = 0, repeat = 0, dead = 0 }: Record<string, number>) => valid + repeat + dead
  test('the same outcome again changes nothing', () =>
    assert.deepEqual(
      silverCounters(before, { rows: 40, late: 4 }, { dead: 12, filled: 0, outcomes: { valid: 40, late: 4, repeat: 7, dead: 8 } }),
      before,
    ))
  test('a rule that was loosened turns dead letters of the range into rows, and the sum stays', () => {
    const after = silverCounters(
      before,
      { rows: 40, late: 4 },
      { dead: 12, filled: 0, outcomes: { valid: 48, late: 4, repeat: 7, dead: 0 } },
    )
    assert.deepEqual(after, { valid: 108, late: 10, repeat: 30, dead: 12 })
    assert.equal(sum(after), sum(before))
  })
  test('what fills a gap was counted nowhere before', () => {
    const outcomes = { valid: 50, late: 4, repeat: 7, dead: 8 }
    const after = silverCounters(before, { rows: 40, late: 4 }, { dead: 12, filled: 10, outcomes })
    assert.deepEqual(after, { valid: 110, late: 10, repeat: 30, dead: 20 })
  })
  test('dead letters that were discarded since can not make a count negative', () => {
    const after = silverCounters(
      before,
      { rows: 100, late: 10 },
      { dead: 999, filled: 0, outcomes: { valid: 100, late: 10, repeat: 30, dead: 20 } },
    )
    assert.deepEqual(after, before)
  })
})
