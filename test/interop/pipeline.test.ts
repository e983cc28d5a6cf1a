import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { openTable } from '../../lake/delta/table.ts'
import { openStore } from '../../lake/store/open.ts'
import type { ObjectStore } from '../../lake/store/store.ts'
import { writeGoodbooks } from '../helpers/goodbooks.ts'
import { minioSkip, startTestMinio, type TestMinio } from '../helpers/minio.ts'
import { tempDataDir } from '../helpers/stack.ts'
import { lastJson, readflow } from '../helpers/up.ts'
import { assertSameAnswer, ourAnswer } from './answer.ts'
import { type Reader, readerNames, readerSkip, startReader } from './readers.ts'

const tables = [
  ...['books', 'authors', 'ratings'].flatMap((entity) => [`bronze/${entity}`, `silver/${entity}`]),
  ...['dim_book', 'dim_author', 'dim_date', 'dim_genre', 'fact_rating'].map((name) => `gold/${name}`),
]

for (const place of ['a folder', 'MinIO'] as const)
  describe(`the pipeline's own tables in ${place}, read by others`, { skip: place === 'MinIO' && minioSkip() }, () => {
    let folder: Awaited<ReturnType<typeof tempDataDir>>
    let minio: TestMinio | undefined
    let store: ObjectStore
    let urlOf: (root: string) => string

    before(async () => {
      folder = await tempDataDir()
      if (place === 'MinIO') minio = await startTestMinio()
      const lakeUrl = minio?.lakeUrl() ?? `file:${folder.dir}/lake`
      urlOf = (root) => (minio ? `s3://${minio.bucket}/lake/${root}` : `${folder.dir}/lake/${root}`)
      const source = await writeGoodbooks(`${folder.dir}/goodbooks`, { books: 20, ratings: 200 })
      const ports = ['--port', '0', '--kafka-port', '0', '--registry-port', '0']
      const done = await readflow(
        ['up', '--once', '--data', `${folder.dir}/data`, '--lake', lakeUrl, '--source', `dataset:${source}`, ...ports],
        {
          env: minio?.env ?? {},
        },
      )
      assert.equal(done.code, 0, done.stderr)
      assert.equal(lastJson(done).gold.fact_rating, 200)
      store = openStore(lakeUrl)
    })
    after(async () => {
      await store?.close()
      await minio?.stop()
      await folder.remove()
    })

    for (const name of readerNames)
      it(`${name} has the same rows, schema and history of every table`, { skip: readerSkip(name) }, async () => {
        const reader: Reader = startReader(name, minio ? { ...minio.env, AWS_ENDPOINT_URL: minio.endpoint } : {})
        try {
          for (const root of tables) {
            const table = openTable(store, root)
            const expected = await ourAnswer(store, root, await table.snapshot())
            // These sources have no dates.
            assert.equal(expected.rows.length > 0, root !== 'gold/dim_date', root)
            assertSameAnswer(await reader.ask('rows', { table: urlOf(root) }), expected, root)
            if (name === 'DuckDB') continue
            const told = await reader.ask<{ version: number; operation: string }[]>('history', { table: urlOf(root) })
            assert.deepEqual(
              told.map(({ version, operation }) => [version, operation]),
              (await table.history()).map(({ version, operation }) => [version, operation]),
            )
          }
        } finally {
          await reader.close()
        }
      })
  })
