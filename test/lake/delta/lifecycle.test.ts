import assert from 'node:assert/strict'
import { mkdir, mkdtemp, readdir, rm, stat, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { describe, it } from 'node:test'
import { filePath } from '../../../lake/delta/actions.ts'
import { commit } from '../../../lake/delta/commit.ts'
import { COLD_TAG, moveCold } from '../../../lake/delta/lifecycle.ts'
import { planOptimize } from '../../../lake/delta/optimize-plan.ts'
import { scan } from '../../../lake/delta/scan.ts'
import { stageFiles } from '../../../lake/delta/stage.ts'
import { openTable, type Table } from '../../../lake/delta/table.ts'
import { vacuum } from '../../../lake/delta/vacuum.ts'
import { tableSql } from '../../../lake/sql.ts'
import { openMemoryStore } from '../../../lake/store/memory.ts'
import { openStore } from '../../../lake/store/open.ts'
import type { ObjectStore } from '../../../lake/store/store.ts'
import { openDuckDb } from '../../../runtime/duckdb.ts'
import { batchOf, field, rowsOf } from '../sample.ts'

const DAY_MS = 86_400_000
const today = 20_000
const fields = [field('id', 'long'), field('language', 'string'), field('day', 'date')]
const partitionColumns = ['language', 'day']
const nowMs = today * DAY_MS + 1000

const withLake = async (
  kind: 'memory' | 'folder',
  use: (lake: { store: ObjectStore; table: Table; dir: string; move: (nowMs?: number) => ReturnType<typeof moveCold> }) => Promise<void>,
) => {
  const dir = await mkdtemp(path.join(tmpdir(), 'readflow-cold-'))
  const tempDir = path.join(dir, 'tmp')
  await mkdir(tempDir)
  const store = kind === 'memory' ? openMemoryStore() : openStore(`file:${path.join(dir, 'lake')}`)
  const table = openTable(store, 't')
  try {
    const rows = [today, today - 90, today - 91, today - 400, null].map((day, id) => ({ id, language: id % 2 ? 'en' : 'é/=', day }))
    await commit(table, {
      operation: 'WRITE',
      fields,
      partitionColumns,
      adds: await stageFiles(table, batchOf(fields, rows), { partitionColumns }),
    })
    await use({
      store,
      table,
      dir,
      move: (at = nowMs) => moveCold(table, { coldAfterMs: 90 * DAY_MS, folder: 'cold', tempDir, nowMs: at }),
    })
    assert.deepEqual(await readdir(tempDir), [])
  } finally {
    await rm(dir, { recursive: true })
  }
}

const ids = async (table: Table, version?: number) => {
  const found: unknown[] = []
  const snapshot = await table.snapshot(version === undefined ? {} : { version })
  for await (const batch of scan(table.store, snapshot, { root: 't', columns: ['id', 'language', 'day'] }))
    found.push(...rowsOf(batch).map((row) => JSON.stringify(row)))
  return found.sort()
}

for (const kind of ['memory', 'folder'] as const)
  describe(`moving old partitions on the ${kind} store`, () => {
    it('moves what is older, once, changes no row of any version, and says so', () =>
      withLake(kind, async ({ store, table, move }) => {
        const before = await ids(table)
        const { commits, files, conflicts } = await move()
        assert.deepEqual({ commits, files, conflicts }, { commits: 1, files: 2, conflicts: 0 })
        assert.equal((await move()).commits, 0)
        const later = openTable(store, 't')
        assert.deepEqual(await ids(later), before)
        assert.deepEqual(await ids(later, 0), before)
        const snapshot = await later.snapshot()
        const cold = [...snapshot.files.values()].filter(({ tags }) => tags?.[COLD_TAG])
        assert.deepEqual(cold.map((file) => file.partitionValues['day']).sort(), ['2023-08-31', '2024-07-05'])
        for (const file of cold) {
          assert.match(file.path, /^cold\/language=.*\/day=\d{4}-\d\d-\d\d\/part-[^/]+$/)
          assert.ok(file.stats)
        }
        const entry = new TextDecoder().decode(await store.get('t/_delta_log/00000000000000000001.json'))
        assert.ok(!entry.includes('"dataChange":true'))
      }))

    it('leaves the old copies to vacuum, and cold files out of merges', () =>
      withLake(kind, async ({ store, table, move }) => {
        const old = [...(await table.snapshot()).files.values()]
        await move()
        const result = await vacuum(table, { nowMs: Date.now() + 8 * DAY_MS })
        assert.equal(result.files, 2)
        const live = await table.snapshot()
        for (const file of live.files.values()) assert.equal((await store.get(`t/${filePath(file.path)}`)).length, file.size)
        assert.equal(old.filter((file) => live.files.has(file.path)).length, 3)
        await move(nowMs + 1000 * DAY_MS)
        assert.deepEqual(
          planOptimize(
            { files: (await table.snapshot()).files.values() },
            { targetBytes: 1e9, minFiles: 2, settledBeforeMs: Number.POSITIVE_INFINITY },
          ),
          [],
        )
      }))

    it('gives files up that another writer removes meanwhile, and leaves nothing behind', () =>
      withLake(kind, async ({ store, table, move }) => {
        const [victim] = [...(await table.snapshot()).files.values()].filter((file) => file.partitionValues['day'] === '2023-08-31')
        const { putFile } = store
        let isFirst = true
        store.putFile = async (...args) => {
          await putFile(...args)
          if (isFirst) await commit(openTable(store, 't'), { operation: 'DELETE', removes: [victim!] })
          isFirst = false
        }
        const { commits, conflicts } = await move()
        assert.deepEqual({ commits, conflicts }, { commits: 0, conflicts: 1 })
        for await (const { path } of store.list('t/cold/')) assert.fail(path)
        assert.deepEqual([(await move()).files, (await ids(table)).length], [1, 4])
      }))
  })

describe('the cold folder', () => {
  it('is read by the SQL of a table like the rest, partition columns and all', () =>
    withLake('folder', async ({ store, table, move }) => {
      await move()
      const duckdb = await openDuckDb()
      try {
        const sql = tableSql({ snapshot: await table.snapshot(), localPath: (file) => store.localPath(`t/${file}`)! })
        assert.deepEqual(await duckdb.rows(`SELECT id, language, day FROM (${sql}) ORDER BY id`), [
          { id: 0, language: 'é/=', day: '2024-10-04' },
          { id: 1, language: 'en', day: '2024-07-06' },
          { id: 2, language: 'é/=', day: '2024-07-05' },
          { id: 3, language: 'en', day: '2023-08-31' },
          { id: 4, language: 'é/=', day: null },
        ])
      } finally {
        await duckdb.close()
      }
    }))

  it('may be a link to another disk', async (t) => {
    const other = await mkdtemp('/dev/shm/readflow-cold-').catch(() => null)
    if (other === null || (await stat(other)).dev === (await stat(tmpdir())).dev) return t.skip('needs a second file system at /dev/shm')
    t.after(() => rm(other, { recursive: true }))
    await withLake('folder', async ({ store, table, dir, move }) => {
      const before = await ids(table)
      await symlink(other, path.join(dir, 'lake/t/cold'))
      await move()
      assert.deepEqual(await ids(table), before)
      assert.deepEqual(await readdir(other), ['language=%C3%A9%2F%3D', 'language=en'])
      const listed: string[] = []
      for await (const object of store.list('t/cold/')) listed.push(object.path)
      assert.equal(listed.length, 2)
      // What is moved there is vacuumed there.
      await store.put('t/cold/orphan.parquet', new Uint8Array(1))
      assert.equal((await vacuum(table, { nowMs: Date.now() + 2 * DAY_MS })).files, 1)
    })
  })

  it('that links back into the lake is not followed in circles', async () => {
    const dir = await mkdtemp(path.join(tmpdir(), 'readflow-loop-'))
    try {
      const store = openStore(`file:${dir}`)
      await store.put('t/a', new Uint8Array(1))
      await symlink(dir, path.join(dir, 't/up'))
      await symlink(path.join(dir, 'nowhere'), path.join(dir, 't/dangling'))
      const listed: string[] = []
      for await (const object of store.list('')) listed.push(object.path)
      assert.deepEqual(listed, ['t/a'])
    } finally {
      await rm(dir, { recursive: true })
    }
  })
})
