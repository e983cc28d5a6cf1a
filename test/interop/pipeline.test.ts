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
import { describeReaders } from './readers.ts'

const tables = [
  ...['books', 'authors', 'ratings'].flatMap((entity) => [`bronze/${entity}`, `silver/${entity}`]),
  ...['dim_book', 'dim_author', 'dim_date', 'dim_genre', 'fact_rating'].map((name) => `gold/${name}`),
]

const ports = ['--kafka-port', '0', '--registry-port', '0']
const places = ['a folder', 'MinIO'] as const
type Place = (typeof places)[number]
interface Lake {
  store: ObjectStore
  urlOf: (root: string) => string
}

describe("the pipeline's own tables, read by others", () => {
  let folder: Awaited<ReturnType<typeof tempDataDir>>
  let minio: TestMinio | undefined
  const lakes = new Map<Place, Lake>()
  const skip: Record<Place, string | false> = { 'a folder': false, MinIO: minioSkip() }

  const writeLake = async (place: Place, source: string): Promise<Lake> => {
    const lakeUrl = place === 'MinIO' ? minio!.lakeUrl() : `file:${folder.dir}/lake`
    const data = `${folder.dir}/data of ${place}`
    const done = await readflow(
      [...['up', '--once', '--data', data, '--lake', lakeUrl, '--source', `dataset:${source}`], '--port', '0', ...ports],
      { env: minio?.env ?? {} },
    )
    assert.equal(done.code, 0, done.stderr)
    assert.equal(lastJson(done).gold.fact_rating, 200)
    return {
      store: openStore(lakeUrl),
      urlOf: (root) => (place === 'MinIO' ? `s3://${minio!.bucket}/lake/${root}` : `${folder.dir}/lake/${root}`),
    }
  }

  before(async () => {
    folder = await tempDataDir()
    if (!skip.MinIO) minio = await startTestMinio()
    const source = await writeGoodbooks(`${folder.dir}/goodbooks`, { books: 20, ratings: 200 })
    for (const place of places) if (!skip[place]) lakes.set(place, await writeLake(place, source))
  })
  after(async () => {
    for (const { store } of lakes.values()) await store.close()
    await minio?.stop()
    await folder.remove()
  })

  describeReaders(
    () => minio,
    (name, readerOf) => {
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
    },
  )
})
