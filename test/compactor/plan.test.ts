import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type Partition, readPartitions } from '../../compactor/partitions.ts'
import { DIGEST_TAG, type LiveFile, planTable } from '../../compactor/plan.ts'
import type { GoldTable } from '../../compactor/tables.ts'
import { type DuckDb, openDuckDb } from '../../runtime/duckdb.ts'

const partition = (month: string, digest: string): Partition => ({
  values: { month },
  rows: 1,
  digest,
  stats: '{"numRecords":1}',
})
const file = (path: string, month: string, digest?: string): LiveFile => ({
  path,
  partitionValues: { month },
  tags: digest === undefined ? undefined : { [DIGEST_TAG]: digest },
})

describe('planTable', () => {
  test('writes new and changed partitions, removes what is gone, keeps the rest', () => {
    const live = [file('same', '1', 'a'), file('changed', '2', 'b'), file('gone', '3', 'c')]
    const plan = planTable(live, [partition('1', 'a'), partition('2', 'B'), partition('4', 'd')])
    assert.deepEqual(plan.keep, [live[0]])
    assert.deepEqual(
      plan.write.map(({ values }) => values),
      [{ month: '2' }, { month: '4' }],
    )
    assert.deepEqual(
      plan.remove.map(({ path }) => path),
      ['changed', 'gone'],
    )
  })

  test('writes a partition anew where its files carry no digest, or are several', () => {
    const plan = planTable([file('untagged', '1'), file('x', '2', 'b'), file('y', '2', 'b')], [partition('1', 'a'), partition('2', 'b')])
    assert.equal(plan.write.length, 2)
    assert.deepEqual(
      plan.remove.map(({ path }) => path),
      ['untagged', 'x', 'y'],
    )
  })

  test('has nothing to do for two empty tables', () => assert.deepEqual(planTable([], []), { write: [], remove: [], keep: [] }))
})

describe('readPartitions', () => {
  const table: GoldTable = {
    columns: { id: 'string', n: 'long', seen: 'timestamp', day: 'date', tags: 'strings', month: 'string' },
    partitionColumns: ['month'],
    sortedBy: ['id'],
  }
  const rows = [
    "('a', 1, TIMESTAMPTZ '2020-01-01 00:00:00.0001Z', DATE '2020-01-01', ['x'], 'jan')",
    "('b', NULL, NULL, NULL, [], 'jan')",
    `('${'z'.repeat(40)}', 3, NULL, NULL, NULL, 'feb')`,
  ]
  const withTable = async (values: string[], use: (duckdb: DuckDb) => Promise<void>) => {
    const duckdb = await openDuckDb()
    try {
      await duckdb.run('CREATE TABLE t (id VARCHAR, n BIGINT, seen TIMESTAMPTZ, day DATE, tags VARCHAR[], month VARCHAR)')
      await duckdb.run(`INSERT INTO t VALUES ${values.join(', ')}`)
      await use(duckdb)
    } finally {
      await duckdb.close()
    }
  }
  const digests = async (values: string[], layout = table) => {
    let found: Record<string, string> = {}
    await withTable(values, async (duckdb) => {
      found = Object.fromEntries((await readPartitions(duckdb, 't', layout)).map(({ values, digest }) => [values['month'] ?? '', digest]))
    })
    return found
  }

  test('gives statistics that bound every value', () =>
    withTable(rows, async (duckdb) => {
      const [feb, jan] = await readPartitions(duckdb, 't', table)
      assert.deepEqual(JSON.parse(jan!.stats), {
        numRecords: 2,
        minValues: { id: 'a', n: 1, seen: '2020-01-01T00:00:00.000Z', day: '2020-01-01' },
        maxValues: { id: 'b', n: 1, seen: '2020-01-01T00:00:00.001Z', day: '2020-01-01' },
        nullCount: { id: 0, n: 1, seen: 1, day: 1 },
      })
      const { minValues, maxValues } = JSON.parse(feb!.stats)
      assert.deepEqual(minValues, { id: 'z'.repeat(32), n: 3 })
      assert.deepEqual(maxValues, { id: `${'z'.repeat(32)}\u{10ffff}`, n: 3 })
    }))

  test('gives one digest to one content in any order, and another to another', async () => {
    const before = await digests(rows)
    assert.deepEqual(await digests(rows.toReversed()), before)
    const after = await digests([rows[0]!, rows[1]!, rows[2]!.replace('3', '4')])
    assert.equal(after['jan'], before['jan'])
    assert.notEqual(after['feb'], before['feb'])
    assert.notEqual((await digests([...rows, rows[0]!]))['jan'], before['jan'])
    assert.notEqual((await digests(rows, { ...table, sortedBy: ['n'] }))['jan'], before['jan'])
  })

  test('gives an unpartitioned table one partition, and none where it is empty', () =>
    withTable(rows, async (duckdb) => {
      const whole = { ...table, partitionColumns: [] }
      assert.deepEqual(
        (await readPartitions(duckdb, 't', whole)).map(({ rows, values }) => ({ rows, values })),
        [{ rows: 3, values: {} }],
      )
      await duckdb.run('DELETE FROM t')
      assert.deepEqual(await readPartitions(duckdb, 't', whole), [])
    }))
})
