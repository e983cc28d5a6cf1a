import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { openTable } from '../../lake/delta/table.ts'
import { openStore } from '../../lake/store/open.ts'
import type { ObjectStore } from '../../lake/store/store.ts'
import { writeGoodbooks } from '../helpers/goodbooks.ts'
import { minioSkip } from '../helpers/minio.ts'
import { tempDataDir } from '../helpers/stack.ts'
import { lastJson, readflow } from '../helpers/up.ts'
import { assertSameAnswer, ourAnswer } from './answer.ts'
import { describeReaders, sharedMinio } from './shared.ts'

const tables = [
  ...['books', 'authors', 'ratings'].flatMap((entity) => [`bronze/${entity}`, `silver/${entity}`]),
  ...['dim_book', 'dim_author', 'dim_date', 'dim_genre', 'fact_rating'].map((name) => `gold/${name}`),
]

const places = ['a folder', 'MinIO'] as const
type Place = (typeof places)[number]
interface Lake {
  store: ObjectStore
  urlOf: (root: string) => string
}

describe("the pipeline's own tables, read by others", () => {
  let folder: Awaited<ReturnType<typeof tempDataDir>>
  const lakes = new Map<Place, Lake>()
  const skip: Record<Place, string | false> = { 'a folder': false, MinIO: minioSkip() }

  const writeLake = async (source: string): Promise<Lake> => {
    const lakeUrl = `file:${folder.dir}/lake`
    const data = `${folder.dir}/data`
    const done = await readflow([
      ...['up', '--once', '--data', data, '--lake', lakeUrl, '--source', `dataset:${source}`],
      ...['--port', '0', '--kafka-port', '0', '--registry-port', '0'],
    ])
    assert.equal(done.code, 0, done.stderr)
    assert.equal(lastJson(done).gold.fact_rating, 200)
    return { store: openStore(lakeUrl), urlOf: (root) => `${folder.dir}/lake/${root}` }
  }

  before(async () => {
    folder = await tempDataDir()
    const written = await writeLake(await writeGoodbooks(`${folder.dir}/goodbooks`, { books: 20, ratings: 200 }))
    lakes.set('a folder', written)
    const minio = await sharedMinio()
    if (!minio) return
    // The same objects: that a pipeline writes to S3 what it writes to a folder is for test/e2e/s3.test.ts.
    const store = openStore(minio.lakeUrl('pipeline'))
    for await (const { path } of written.store.list('')) await store.put(path, await written.store.get(path))
    lakes.set('MinIO', { store, urlOf: (root) => `s3://${minio.bucket}/pipeline/${root}` })
  })
  after(async () => {
    for (const { store } of lakes.values()) await store.close()
    await folder.remove()
  })

  describeReaders((name, readerOf) => {
    for (const place of places)
      it(`has the same rows, schema and history of every table in ${place}`, { skip: skip[place] }, async () => {
        const { store, urlOf } = lakes.get(place)!
        for (const root of tables) {
          const table = openTable(store, root)
          const expected = await ourAnswer(store, root, await table.snapshot())
          // These sources have no dates.
          assert.equal(expected.rows.length > 0, root !== 'gold/dim_date', root)
          assertSameAnswer(await readerOf().ask('rows', { table: urlOf(root) }), expected, root)
          if (name === 'DuckDB') continue
          const told = await readerOf().ask<{ version: number; operation: string }[]>('history', { table: urlOf(root) })
          assert.deepEqual(
            told.map(({ version, operation }) => [version, operation]),
            (await table.history()).map(({ version, operation }) => [version, operation]),
          )
        }
      })
  })
})
