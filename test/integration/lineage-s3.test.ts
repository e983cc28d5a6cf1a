import assert from 'node:assert/strict'
import { mkdir, readdir } from 'node:fs/promises'
import path from 'node:path'
import { after, before, describe, test } from 'node:test'
import { openTable } from '../../lake/delta/table.ts'
import { openLocalFiles } from '../../lake/store/local-files.ts'
import { openStore } from '../../lake/store/open.ts'
import type { ObjectStore } from '../../lake/store/store.ts'
import { RUNS_ROOT, readNewestDays } from '../../lineage/runs/read.ts'
import { openRecorder, withRun } from '../../lineage/runs/recorder.ts'
import { trace } from '../../lineage/trace/trace.ts'
import { createLog } from '../../runtime/log.ts'
import { type Lake, withLake } from '../compactor/lake.ts'
import { book, rating } from '../compactor/silver.ts'
import { minioSkip, startTestMinio, type TestMinio } from '../helpers/minio.ts'
import { eventually } from '../helpers/stack.ts'

describe('runs and lineage on S3', { skip: minioSkip() }, () => {
  let minio: TestMinio
  before(async () => {
    minio = await startTestMinio()
  })
  after(() => minio.stop())

  test('rows lead to the same places as in a folder, by copies that are no longer held after it', () =>
    withLake(async (lake) => {
      const s3 = openStore(minio.lakeUrl('lineage'))
      const runOf = async (store: ObjectStore) => {
        const log = createLog('test', 'error')
        const recorder = await openRecorder({ table: openTable(store, RUNS_ROOT), program: 'compact', publisher: null, log })
        const runId = '00000000-0000-4000-8000-000000000001'
        await withRun(recorder, { kind: 'build', job: 'build gold', runId }, (run) => lake.build(lake.store, { run }))
        await recorder.close()
      }
      await lake.addSilver({
        books: [book('b1', '2026-01-01', 'h1', { title: 'One' })],
        ratings: Array.from({ length: 30 }, (_, user) => rating(`u${user}`, 'b1', 3, '2026-01-10')),
      })
      await runOf(lake.store)
      for await (const { path: file } of lake.store.list('')) await s3.put(file, await lake.store.get(file))

      const copies = path.join(lake.dir, 'copies')
      const ask = async ({ duckdb }: Lake, store: ObjectStore) => {
        await mkdir(copies, { recursive: true })
        const files = openLocalFiles({ store, dir: copies, maxBytes: 0 })
        return trace({ store, files, duckdb, tableAt: (root) => openTable(store, root) }, { table: 'gold.fact_rating', key: 'u7:b1' })
      }
      const onS3 = await ask(lake, s3)
      assert.deepEqual(onS3, await ask(lake, lake.store))
      assert.equal(onS3.rows[0]?.origin?.silver?.key, 'u7:b1')
      assert.equal(onS3.gold?.build?.state, 'completed')
      assert.equal(onS3.rows[0]?.place.added_by?.run_id, onS3.gold?.run_id)
      const table = openTable(s3, RUNS_ROOT)
      assert.equal((await readNewestDays(table, await table.snapshot(), 1)).length, 1)
      await eventually(async () => (await readdir(copies, { recursive: true })).every((name) => !name.endsWith('.parquet')))
      await s3.close()
    }))
})
