import assert from 'node:assert/strict'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { describe, it } from 'node:test'
import { createRewrite } from '../../../compactor/upkeep/rewrite.ts'
import { columnOf, type Field } from '../../../lake/columns/column.ts'
import { filePath } from '../../../lake/delta/actions.ts'
import { commit } from '../../../lake/delta/commit.ts'
import { optimize, type Rewrite } from '../../../lake/delta/optimize.ts'
import { scan } from '../../../lake/delta/scan.ts'
import { stageFiles } from '../../../lake/delta/stage.ts'
import { openTable, type Table } from '../../../lake/delta/table.ts'
import { readParquet } from '../../../lake/parquet/read.ts'
import { openMemoryStore } from '../../../lake/store/memory.ts'
import { openStore } from '../../../lake/store/open.ts'
import type { ObjectStore } from '../../../lake/store/store.ts'
import { openDuckDb } from '../../../runtime/duckdb.ts'
import { ReadflowError } from '../../../runtime/errors.ts'
import { batchOf, emptyRow, everyField, everyRow, field, nullRow, type Row, rowsOf } from '../../lake/sample.ts'

const withTable = async (
  kind: 'memory' | 'folder',
  use: (lake: { store: ObjectStore; table: Table; rewrite: Rewrite; tempDir: string }) => Promise<void>,
) => {
  const tempDir = await mkdtemp(path.join(tmpdir(), 'readflow-optimize-'))
  const store = kind === 'memory' ? openMemoryStore() : openStore(`file:${path.join(tempDir, 'lake')}`)
  try {
    await use({ store, tempDir, table: openTable(store, 't'), rewrite: createRewrite({ openDuckDb, tempDir }) })
    assert.deepEqual(
      (await readdir(tempDir)).filter((name) => name !== 'lake'),
      [],
      'nothing is left in the temporary folder',
    )
  } finally {
    await store.close()
    await rm(tempDir, { recursive: true })
  }
}

const append = async (table: Table, fields: Field[], rows: Row[], partitionColumns: string[] = []) =>
  commit(table, {
    operation: 'WRITE',
    fields,
    partitionColumns,
    adds: await stageFiles(table, batchOf(fields, rows), { partitionColumns }),
  })

const allRows = async (table: Table, version?: number): Promise<string[]> => {
  const snapshot = await table.snapshot(version === undefined ? {} : { version })
  const columns = (snapshot.metadata?.fields ?? []).map(({ name }) => name)
  const rows: string[] = []
  for await (const batch of scan(table.store, snapshot, { root: table.root, columns }))
    rows.push(...rowsOf(batch).map((row) => JSON.stringify(row, (_, value) => (value instanceof Uint8Array ? [...value] : value))))
  return rows.sort()
}

const limits = { targetBytes: 32 * 1024 ** 2, minFiles: 2, sortBy: ['id'] }

for (const kind of ['memory', 'folder'] as const)
  describe(`optimize on the ${kind} store`, () => {
    it('keeps every row, of every type, in an evolved and partitioned table, and says that no data changed', () =>
      withTable(kind, async ({ store, table, rewrite }) => {
        const first = everyField.slice(0, 6)
        for (let id = 0; id < 4; id++)
          await append(
            table,
            first,
            [
              { ...everyRow, id: 100 - id },
              { ...nullRow, id },
            ],
            ['day', 'ok'],
          )
        await append(table, everyField, [everyRow, nullRow, emptyRow], ['day', 'ok'])
        await append(table, everyField, [{ ...everyRow, id: 7 }, emptyRow], ['day', 'ok'])
        const before = await allRows(table)
        const { version, files } = await table.snapshot()
        const result = await optimize(table, { ...limits, rewrite })
        assert.deepEqual(
          { ...result, bytesRemoved: 0, bytesAdded: 0 },
          {
            commits: 3,
            filesRemoved: files.size,
            filesAdded: 3,
            bytesRemoved: 0,
            bytesAdded: 0,
            conflicts: 0,
            failures: 0,
            filesLeftOut: 0,
          },
        )
        const after = await openTable(store, 't').snapshot()
        assert.equal(after.files.size, 3)
        assert.deepEqual(await allRows(openTable(store, 't')), before)
        assert.deepEqual(await allRows(openTable(store, 't'), version), before, 'the version before is as it was')
        for (let entry = version + 1; entry <= after.version; entry++) {
          const text = new TextDecoder().decode(await store.get(`t/_delta_log/${String(entry).padStart(20, '0')}.json`))
          assert.ok(!text.includes('"dataChange":true') && text.includes('"operation":"OPTIMIZE"'))
        }
        assert.deepEqual(
          { ...(await optimize(table, { ...limits, rewrite })), version: (await table.snapshot()).version },
          {
            commits: 0,
            filesRemoved: 0,
            filesAdded: 0,
            bytesRemoved: 0,
            bytesAdded: 0,
            conflicts: 0,
            failures: 0,
            filesLeftOut: 0,
            version: after.version,
          },
          'a second time there is nothing to do, and no commit',
        )
      }))

    it('keeps timestamps to the microsecond', () =>
      withTable(kind, async ({ store, table, rewrite }) => {
        const fields = [field('id', 'long'), field('at', 'timestamp')]
        for (const id of [2, 1]) {
          const batch = batchOf(fields, [{ id, at: 1_700_000_000_123 }])
          ;(batch.columns[1]!.data as Int32Array)[0]! += id
          await commit(table, { operation: 'WRITE', fields, adds: await stageFiles(table, batch) })
        }
        await optimize(table, { ...limits, rewrite })
        const [file] = (await table.snapshot()).files.values()
        const { data } = columnOf(readParquet(await store.get(`t/${filePath(file!.path)}`)), 'at')
        const micros = new BigInt64Array(data.buffer as ArrayBuffer, data.byteOffset, 2)
        assert.deepEqual([...micros], [1_700_000_000_123_001n, 1_700_000_000_123_002n])
        assert.equal(JSON.parse(file!.stats!).maxValues.at, '2023-11-14T22:13:20.124Z')
      }))

    it('sorts the rows of a file, and gives the statistics that the rows have', () =>
      withTable(kind, async ({ store, table, rewrite }) => {
        const fields = [
          field('id', 'long'),
          field('name', 'string'),
          field('at', 'timestamp'),
          field('day', 'date'),
          field('score', 'double'),
        ]
        const long = 'ä'.repeat(40)
        await append(table, fields, [
          { id: 3, name: long, at: -1, day: -1, score: Number.NaN },
          { id: 1, name: 'b', at: 1_700_000_000_123, day: 20_000, score: 1 },
        ])
        await append(table, fields, [{ id: 2, name: null, at: null, day: null, score: null }])
        await optimize(table, { ...limits, rewrite })
        const [file] = (await table.snapshot()).files.values()
        const bytes = await store.get(`t/${filePath(file!.path)}`)
        assert.equal(file!.size, bytes.length)
        assert.deepEqual(
          rowsOf(readParquet(bytes)).map(({ id }) => id),
          [1, 2, 3],
        )
        assert.deepEqual(JSON.parse(file!.stats!), {
          numRecords: 3,
          minValues: { id: 1, name: 'b', at: '1969-12-31T23:59:59.999Z', day: '1969-12-31' },
          maxValues: { id: 3, name: `${'ä'.repeat(32)}\u{10ffff}`, at: '2023-11-14T22:13:20.123Z', day: '2024-10-04' },
          nullCount: { id: 0, name: 1, at: 1, day: 1, score: 1 },
        })
      }))
  })

describe('optimize beside other writers', () => {
  const fields = [field('id', 'long')]
  const filled = async (table: Table, count: number) => {
    for (let id = 0; id < count; id++) await append(table, fields, [{ id }])
  }

  it('lets a writer append while it works, and keeps what came meanwhile', () =>
    withTable('memory', async ({ store, table, rewrite }) => {
      await filled(table, 5)
      const slow: Rewrite = async (rows) => {
        await append(openTable(store, 't'), fields, [{ id: 5 }])
        return rewrite(rows)
      }
      const result = await optimize(table, { ...limits, minFiles: 5, rewrite: slow })
      assert.deepEqual([result.commits, result.conflicts], [1, 0])
      assert.deepEqual(
        await allRows(table),
        [0, 1, 2, 3, 4, 5].map((id) => `{"id":${id}}`),
      )
      assert.equal((await table.snapshot()).files.size, 2)
    }))

  it('ends where a writer is faster than it: what came meanwhile is for the next time', () =>
    withTable('memory', async ({ store, table, rewrite }) => {
      await filled(table, 4)
      const writer = openTable(store, 't')
      let id = 100
      const busy: Rewrite = async (rows) => {
        for (let files = 0; id < 130 && files < 3; files++) await append(writer, fields, [{ id: id++ }])
        return rewrite(rows)
      }
      const result = await optimize(table, { ...limits, rewrite: busy })
      assert.deepEqual([result.commits, result.filesRemoved], [1, 4])
      assert.equal((await table.snapshot()).files.size, 4)
    }))

  it('gives a group up whose file another one removed, leaves nothing behind, and goes on with the next time', () =>
    withTable('memory', async ({ store, table, rewrite }) => {
      await filled(table, 4)
      let isFirst = true
      const slow: Rewrite = async (rows) => {
        if (isFirst) await commit(openTable(store, 't'), { operation: 'DELETE', removes: [rows.files[1]!] })
        isFirst = false
        return rewrite(rows)
      }
      const result = await optimize(table, { ...limits, rewrite: slow })
      assert.deepEqual([result.commits, result.conflicts], [0, 1])
      assert.deepEqual(await allRows(table), ['{"id":0}', '{"id":2}', '{"id":3}'])
      const objects = []
      for await (const { path } of store.list('t/part-')) objects.push(path)
      assert.equal(objects.length, 4)
      assert.equal((await optimize(table, { ...limits, rewrite })).commits, 1)
      assert.deepEqual(await allRows(table), ['{"id":0}', '{"id":2}', '{"id":3}'])
    }))

  it('goes on with the other groups where one can not be read, and says why', () =>
    withTable('memory', async ({ store, table, rewrite }) => {
      const parted = [field('id', 'long'), field('name', 'string')]
      for (let id = 0; id < 4; id++) await append(table, parted, [{ id, name: id < 2 ? 'a' : 'b' }], ['name'])
      const [broken] = (await table.snapshot()).files.values()
      await store.put(`t/${filePath(broken!.path)}`, new Uint8Array(broken!.size))
      const failures: string[] = []
      const result = await optimize(table, { ...limits, rewrite, onFailure: (error) => failures.push((error as Error).message) })
      assert.deepEqual([result.commits, result.failures, failures.length], [1, 1, 1])
      assert.match(failures[0]!, /^2 files of t can not be rewritten: /)
    }))

  it('never removes files where the new one has fewer rows', () =>
    withTable('memory', async ({ table, rewrite }) => {
      await filled(table, 3)
      const lossy: Rewrite = async (rows) => rewrite({ ...rows, files: rows.files.slice(1) })
      const failures: unknown[] = []
      const result = await optimize(table, { ...limits, rewrite: lossy, onFailure: (error) => failures.push(error) })
      assert.deepEqual([result.commits, result.failures], [0, 1])
      assert.match((failures[0] as Error).message, /3 files of t have 2 rows, where the log says 3/)
    }))

  it('splits what needs too much memory', () =>
    withTable('memory', async ({ table, rewrite }) => {
      await filled(table, 8)
      const sizes: number[] = []
      const small: Rewrite = async (rows) => {
        sizes.push(rows.files.length)
        return rows.files.length > 4 ? 'too-large' : rewrite(rows)
      }
      const result = await optimize(table, { ...limits, minFiles: 8, rewrite: small })
      assert.deepEqual([sizes, result.commits, result.filesRemoved], [[8, 4, 4], 2, 8])
      assert.equal((await allRows(table)).length, 8)
    }))

  it('leaves files alone that can not be merged for want of memory, also the next time', () =>
    withTable('memory', async ({ table }) => {
      await filled(table, 3)
      let asked = 0
      const never: Rewrite = async () => {
        asked++
        return 'too-large'
      }
      const leftOut = new Set<string>()
      for (let time = 0; time < 2; time++) {
        const { commits, failures, filesLeftOut } = await optimize(table, { ...limits, rewrite: never, leftOut })
        assert.deepEqual({ commits, failures, filesLeftOut }, { commits: 0, failures: 0, filesLeftOut: time === 0 ? 3 : 0 })
      }
      assert.deepEqual([asked, leftOut.size], [1, 3])
    }))

  it('refuses a table with types that it would write wider', () =>
    withTable('memory', async ({ table, rewrite }) => {
      await filled(table, 2)
      const snapshot = await table.snapshot()
      const action = { ...snapshot.metadata!.action, schemaString: snapshot.metadata!.action.schemaString.replace('"long"', '"integer"') }
      const foreign: Table = { ...table, snapshot: async () => ({ ...snapshot, metadata: { ...snapshot.metadata!, action } }) }
      await assert.rejects(
        optimize(foreign, { ...limits, rewrite }),
        (error) => error instanceof ReadflowError && error.code === 'lake-invalid',
      )
    }))
})
