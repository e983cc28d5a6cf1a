import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { openStore } from '../../lake/store/open.ts'
import { type Api, startApi } from '../api/helpers/api.ts'
import { book, publishGold, rating } from '../api/helpers/gold-lake.ts'
import { type FaultProxy, startFaultProxy } from '../helpers/fault-proxy.ts'
import { minioSkip, startTestMinio, type TestMinio } from '../helpers/minio.ts'
import { until } from '../helpers/up.ts'

const facts = [
  rating('1', 5, '2026-01-02'),
  rating('1', 4, '2026-02-02'),
  rating('1', 3, '2026-02-03', 'history'),
  rating('1', 2, '2026-03-03'),
]

describe('the API over a lake on MinIO', { skip: minioSkip() }, () => {
  let minio: TestMinio
  let proxy: FaultProxy
  const api = {} as Api
  const releases: (() => Promise<void>)[] = []
  before(async () => {
    minio = await startTestMinio()
    proxy = await startFaultProxy(minio.port)
    const lakeUrl = minio.lakeUrl('api').replace(encodeURIComponent(minio.endpoint), proxy.endpoint).replace(minio.endpoint, proxy.endpoint)
    Object.assign(
      api,
      await startApi({ after: (release) => void releases.push(release) }, { lakeUrl, cacheMaxBytes: 1 << 20, patienceMs: 1500 }),
    )
    await publishGold(api.store, { dim_book: [book('1')], fact_rating: facts })
    await api.gold.refresh()
  })
  after(async () => {
    for (const release of releases.toReversed()) await release()
    await proxy?.stop()
    await minio?.stop()
  })

  /** The data files that were asked of the store since the last call, by their partition. */
  const fetched = () => {
    const lines = proxy.seen.splice(0).filter((line) => /^GET .*\.parquet/.test(line))
    return lines.map((line) => {
      const [, table] = /gold\/(\w+)/.exec(line) ?? []
      const partition = decodeURIComponent(decodeURIComponent(line)).match(/(?<=(?:month|primary_genre)=)[\w-]+/g) ?? []
      return [table, ...partition].join(' ')
    })
  }

  it('fetches only the files that a question can be about, and those once', async () => {
    fetched()
    const ask = (limit: number) => api.get(`/v1/ratings?genre=fantasy&from=2026-02&to=2026-03&limit=${limit}`)
    assert.deepEqual(
      (await ask(5)).body.ratings.map((each: { rating: number }) => each.rating),
      [4],
    )
    assert.deepEqual(fetched(), ['fact_rating 2026-02 fantasy'])
    assert.equal((await ask(6)).status, 200)
    assert.deepEqual(fetched(), [], 'it is kept')
  })

  it('fetches a file once for many who ask at once', async () => {
    fetched()
    const answers = await Promise.all(Array.from({ length: 8 }, (_, n) => api.get(`/v1/ratings?genre=history&limit=${n + 1}`)))
    assert.deepEqual(
      answers.map(({ status }) => status),
      Array(8).fill(200),
    )
    assert.deepEqual(fetched(), ['fact_rating 2026-02 history'])
  })

  it('has SQL pass over files by partition and by statistics, and keeps those that it brought', async () => {
    fetched()
    const count = async (where: string) => (await api.ask(`SELECT count(*) AS n FROM gold_fact_rating WHERE ${where}`)).body.rows[0].n
    assert.equal(await count("rated_month = '2026-03' AND primary_genre = 'fantasy'"), 1)
    assert.deepEqual(fetched(), ['fact_rating 2026-03 fantasy'])
    assert.equal(await count("rated_at >= TIMESTAMPTZ '2026-03-01' AND rating > 1"), 1)
    assert.deepEqual(fetched(), [], 'the one that may have such rows is here')
    assert.equal(await count("rated_at < TIMESTAMPTZ '2026-01-31'"), 1)
    assert.deepEqual(fetched(), ['fact_rating 2026-01 fantasy'])
  })

  it('answers the charts of a new version from memory, once it is published', async () => {
    const charts = ['rating-distribution', 'ratings-over-time', 'top-books']
    for (const chart of charts) assert.equal((await api.get(`/v1/charts/${chart}`)).status, 200)
    await publishGold(api.store, { dim_book: [book('1'), book('2')], fact_rating: facts })
    await api.gold.refresh()
    fetched()
    for (const chart of charts) assert.equal((await api.get(`/v1/charts/${chart}`)).body.version, 1)
    assert.deepEqual(fetched(), [])
  })

  it('says so, soon, while the store does not answer, and answers again afterwards', async () => {
    const fresh = '/v1/ratings?genre=fantasy&from=2026-01&to=2026-02&sort=rating'
    const before = (await api.get('/v1/status')).body.tables
    assert.ok(before.length > 5)
    proxy.always(/.*/, { kind: 'answer', status: 503, code: 'SlowDown' })
    const { status, body } = await api.get(fresh)
    assert.equal(status, 503, JSON.stringify(body))
    assert.match(body.detail, /store|lake/)
    const asked = await api.ask("SELECT count(*) AS n FROM gold_fact_rating WHERE rated_month = '2026-02'")
    assert.equal(asked.status, 503, JSON.stringify(asked.body))
    assert.equal((await api.get('/v1/charts/top-books')).status, 200, 'what is in memory answers')
    const told = (await api.get('/v1/status')).body
    assert.deepEqual([told.lake.state, told.tables.length, told.gold.version], ['unavailable', before.length, 1])
    assert.match(told.lake.detail, /cannot|no answer/)
    const metrics = await api.get('/metrics')
    assert.equal(metrics.status, 200)
    assert.doesNotMatch(metrics.body, /^readflow_table_rows\{/m, 'what is not known any more')
    proxy.clear()
    assert.equal((await api.get(fresh)).status, 200)
    await until('the lake', async () => (await api.get('/v1/status')).body.lake.state === 'available', 10_000)
    assert.match((await api.get('/metrics')).body, /^readflow_table_rows\{/m)
  })

  it('reads no file that is another than the log says', async () => {
    const direct = openStore(minio.lakeUrl('api'))
    const of: string[] = []
    for await (const { path } of direct.list('gold/fact_rating/')) if (/2026-03/.test(path)) of.push(path)
    const bytes = await Promise.all(of.map((path) => direct.get(path)))
    for (const [index, path] of of.entries()) await direct.put(path, Buffer.concat([bytes[index]!, Buffer.from('x')]))
    const query = '/v1/ratings?genre=fantasy&from=2026-03&to=2026-04'
    const { status, body } = await api.get(query)
    assert.equal(status, 500)
    assert.match(body.detail, /gold\/fact_rating\/.* has \d+ bytes, where the log says \d+/)
    for (const [index, path] of of.entries()) await direct.put(path, bytes[index]!)
    assert.equal((await api.get(query)).status, 200)
    await direct.close()
  })
})
