import assert from 'node:assert/strict'
import { existsSync, readdirSync } from 'node:fs'
import path from 'node:path'
import { after, before, describe, it } from 'node:test'
import { readPublished } from '../../lake/published.ts'
import { openStore } from '../../lake/store/open.ts'
import { minioSkip, startTestMinio, type TestMinio } from '../helpers/minio.ts'
import { bronzeOffsets } from '../helpers/tables.ts'
import { lastJson, readflow, startServe, tempDir, until } from '../helpers/up.ts'

const RATINGS = 2000
const onFreePorts = ['--kafka-port', '0', '--registry-port', '0', '--port', '0']

describe('the whole pipeline on S3', { skip: minioSkip() }, () => {
  let minio: TestMinio
  before(async () => {
    minio = await startTestMinio()
  })
  after(() => minio?.stop())

  it('polls, sinks, builds and serves on MinIO, with nothing of the lake in the data folder', async (t) => {
    const dir = await tempDir(t)
    const lakeUrl = minio.lakeUrl('some lake')
    const env = { ...minio.env, LAKE_URL: lakeUrl }
    const args = ['up', '--once', '--data', dir, ...onFreePorts, '--source', `synthetic:ratings=${RATINGS},seed=1`]
    const first = lastJson(await readflow(args, { env }))
    assert.equal(first.polled.ratings, RATINGS)
    assert.deepEqual(first.bronze, first.polled)
    assert.equal(first.silver.ratings + first.repeats + first.deadLetters, RATINGS)
    assert.equal(first.gold.fact_rating, first.silver.ratings)

    const store = openStore(lakeUrl)
    t.after(store.close)
    const published = await readPublished(store)
    assert.equal(published?.version, 0)
    const positions: string[] = []
    for await (const info of store.list('_readflow/positions/')) positions.push(info.path)
    assert.equal(positions.length, 1)

    for (const [partition, offsets] of await bronzeOffsets(lakeUrl, 'ratings'))
      assert.deepEqual(
        offsets,
        Array.from(offsets, (_, index) => index),
        `partition ${partition}: each offset from 0 on, once`,
      )

    assert.equal(existsSync(path.join(dir, 'lake')), false)
    assert.deepEqual(readdirSync(path.join(dir, 'cache', 'compact')), [], 'local copies end with the program')

    const again = lastJson(await readflow(['compact', '--once', '--data', dir], { env }))
    assert.equal(again.version, 0, 'nothing new in Silver: nothing is built')
    assert.deepEqual(again.gold, first.gold)

    const serve = await startServe(t, { ...env, READFLOW_DATA: dir, READFLOW_CACHE_MAX_BYTES: '1KiB' })
    const shown = await until('Gold', async () => {
      const response = await fetch(`${serve.url}/v1/books?limit=3`)
      return response.ok && (await response.text())
    })
    assert.match(shown, /"gold_version":0|"version":0/, shown.slice(0, 300))
    assert.equal(readdirSync(path.join(dir, 'cache', 'serve')).length, 1)
    await serve.stop()
    assert.deepEqual(readdirSync(path.join(dir, 'cache', 'serve')), [])
    for (const secret of Object.values(minio.env)) assert.ok(!serve.output().includes(secret))
  })

  it('ends with one line where there is no bucket, and tells no secret', async (t) => {
    const dir = await tempDir(t)
    const env = { ...minio.env, LAKE_URL: minio.lakeUrl().replace('s3://lake/', 's3://nowhere/') }
    const { code, stderr } = await readflow(['compact', '--once', '--data', dir], { env })
    assert.equal(code, 2)
    assert.match(stderr, /^compact: there is no bucket nowhere at http:\/\/127\.0\.0\.1:\d+\. Create it first/m)
    assert.equal(stderr.trim().split('\n').length, 1, stderr)
  })
})
