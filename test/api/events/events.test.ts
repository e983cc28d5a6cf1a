import assert from 'node:assert/strict'
import { rm } from 'node:fs/promises'
import path from 'node:path'
import { type TestContext, test } from 'node:test'
import { openTable } from '../../../lake/delta/table.ts'
import { publish } from '../../../lake/published.ts'
import { RUNS_ROOT } from '../../../lineage/runs/read.ts'
import { openRecorder, withRun } from '../../../lineage/runs/recorder.ts'
import { ReadflowError } from '../../../runtime/errors.ts'
import { createLog } from '../../../runtime/log.ts'
import { type Api, startApi } from '../helpers/api.ts'
import { book, publishGold } from '../helpers/gold-lake.ts'

interface Heard {
  id: string
  event: string
  // biome-ignore lint/suspicious/noExplicitAny: tests read deep into data of many shapes
  data: any
}

/** Listens until it is told to stop; `until` waits for so many events. */
const listen = async (t: TestContext, api: Api, { query = '', lastId }: { query?: string; lastId?: string } = {}) => {
  const leaving = new AbortController()
  t.after(() => leaving.abort())
  const response = await fetch(new URL(`/v1/events${query}`, api.url), {
    signal: leaving.signal,
    headers: lastId === undefined ? {} : { 'last-event-id': lastId },
  })
  const heard: Heard[] = []
  const ids: string[] = []
  const reading = (async () => {
    let text = ''
    for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
      text += chunk
      for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
        const fields = Object.fromEntries(
          text
            .slice(0, end)
            .split('\n')
            .map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 2)]),
        )
        if (fields['id']) ids.push(fields['id'])
        if (fields['data']) heard.push({ id: fields['id']!, event: fields['event']!, data: JSON.parse(fields['data']) })
        text = text.slice(end + 2)
      }
    }
  })()
  reading.catch(() => undefined)
  const until = async (count: number) => {
    for (let tries = 0; heard.length < count; tries++) {
      assert.ok(tries < 3000, `only ${JSON.stringify(heard)} came`)
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    return heard
  }
  return { response, heard, ids, until, reading, leave: () => leaving.abort() }
}

const publishNext = async (api: Api, books: number) => {
  await publishGold(api.store, { dim_book: Array.from({ length: books }, (_, index) => book(String(index))) })
  await api.gold.refresh()
}

const recordRun = async (api: Api, name: string) => {
  const recorder = await openRecorder({
    table: openTable(api.store, RUNS_ROOT),
    program: 'poll',
    publisher: null,
    log: createLog('test', 'silent'),
  })
  await withRun(recorder, { kind: 'poll', job: name }, async (run) => run.begin({}))
  await recorder.close()
}

test('each published version and each run is told as it comes', async (t) => {
  const api = await startApi(t)
  await publishNext(api, 1)
  const { until, response } = await listen(t, api)
  assert.match(response.headers.get('content-type') ?? '', /^text\/event-stream/)
  await publishNext(api, 2)
  await recordRun(api, 'books')
  const heard = await until(3)
  assert.deepEqual([heard[0]?.event, heard[0]?.data.version], ['gold', 1])
  assert.deepEqual(
    heard.slice(1).map(({ event, data }) => [event, data.kind, data.state]),
    [
      ['run', 'poll', 'started'],
      ['run', 'poll', 'completed'],
    ],
  )
})

test('a reader that comes back with the id of its last event misses nothing and hears nothing twice', async (t) => {
  const api = await startApi(t)
  await publishNext(api, 1)
  const first = await listen(t, api)
  await publishNext(api, 2)
  const [last] = await first.until(1)
  first.leave()
  for (let count = 3; count < 6; count++) await publishNext(api, count)
  await recordRun(api, 'meanwhile')
  const second = await listen(t, api, { lastId: last!.id })
  await publishNext(api, 6)
  const heard = await second.until(6)
  assert.deepEqual(
    heard.filter(({ event }) => event === 'gold').map(({ data }) => data.version),
    [2, 3, 4, 5],
  )
  assert.equal(heard.filter(({ event }) => event === 'run').length, 2)
  assert.equal(new Set(heard.map(({ id, data }) => `${id} ${data.state}`)).size, heard.length)
  const by = await listen(t, api, { query: `?last_event_id=${last!.id}&types=gold` })
  assert.deepEqual((await by.until(4)).map(({ event }) => event).slice(0, 4), ['gold', 'gold', 'gold', 'gold'])
})

test('what is not kept any more is told as a gap', async (t) => {
  const api = await startApi(t)
  for (let count = 0; count < 4; count++) await publishNext(api, count)
  for (const version of [0, 1]) await rm(path.join(api.folder, `gold/_published/0000000000000000000${version}.json`))
  const { until } = await listen(t, api, { lastId: '-1.-1' })
  const heard = await until(3)
  assert.deepEqual(
    heard.map(({ event, data }) => [event, data.version ?? data.of]),
    [
      ['gap', 'gold'],
      ['gold', 2],
      ['gold', 3],
    ],
  )
})

test('an id that is none is refused, as is a reader too many, and a stop lets all go', async (t) => {
  const api = await startApi(t)
  await publishNext(api, 1)
  assert.equal((await api.get('/v1/events', { headers: { 'last-event-id': 'x' } })).status, 400)
  assert.equal((await api.get('/v1/events?types=x')).status, 400)
  const readers = [await listen(t, api), await listen(t, api), await listen(t, api)]
  const { status, headers } = await api.get('/v1/events')
  assert.deepEqual([status, headers.get('retry-after')], [503, '30'])
  api.streams.close()
  await Promise.all(readers.map(({ reading }) => reading))
  assert.equal(api.streams.size(), 0)
})

test('who has heard nothing yet has an id to come back with, and misses nothing', async (t) => {
  const api = await startApi(t)
  await publishNext(api, 1)
  const first = await listen(t, api)
  while (first.ids.length === 0) await new Promise((resolve) => setTimeout(resolve, 5))
  assert.deepEqual([first.ids, first.heard], [['0.-1'], []])
  first.leave()
  await publishNext(api, 2)
  const second = await listen(t, api, { lastId: first.ids[0]! })
  assert.deepEqual(
    (await second.until(1)).map(({ data }) => data.version),
    [1],
  )
})

test('an id that is ahead of the lake is told so, and goes on from where the lake is', async (t) => {
  const api = await startApi(t)
  await publishNext(api, 1)
  const { until } = await listen(t, api, { lastId: '999.999' })
  const [gap] = await until(1)
  assert.deepEqual([gap!.event, gap!.id], ['gap', '0.-1'])
  assert.match(gap!.data.detail, /999\.999 is ahead of this lake/)
  await publishNext(api, 2)
  assert.equal((await until(2))[1]!.data.version, 1)
})

test('after a restart, before Gold is open again, nobody hears old versions as new ones', async (t) => {
  const api = await startApi(t)
  for (let count = 0; count < 4; count++) await publishGold(api.store, { dim_book: [book(String(count))] })
  assert.equal(api.gold.current(), null)
  const fresh = await listen(t, api)
  const back = await listen(t, api, { lastId: '1.-1' })
  const last = await listen(t, api, { lastId: '3.-1' })
  await api.gold.refresh()
  assert.deepEqual(
    (await back.until(2)).map(({ data }) => data.version),
    [2, 3],
  )
  await publishNext(api, 1)
  for (const { until } of [fresh, last]) {
    assert.deepEqual(
      (await until(1)).map(({ data }) => data.version),
      [4],
    )
  }
  assert.deepEqual(
    (await back.until(3)).map(({ data }) => data.version),
    [2, 3, 4],
  )
})

test('a past of many megabytes comes whole, as fast as it is read', async (t) => {
  const api = await startApi(t)
  const entry = { tables: {}, inputs: {}, models: null, completeThrough: null, completeThroughByEntity: {} }
  for (let count = 0; count < 60; count++) {
    await publish(api.store, { ...entry, publishId: `${count}${'x'.repeat(50_000)}`, publishedAt: new Date().toISOString() })
  }
  await publishNext(api, 1)
  const { until } = await listen(t, api, { lastId: '-1.-1' })
  const heard = await until(61)
  assert.deepEqual(
    heard.map(({ data }) => data.version),
    Array.from({ length: 61 }, (_, version) => version),
  )
})

test('a lake that is away is a 503, and no stream that is cut', async (t) => {
  let isAway = false
  const away = () => Promise.reject(new ReadflowError('lake-unavailable', 'no answer'))
  const api = await startApi(t, {
    wrapStore: (inner) => ({
      ...inner,
      get: (file) => (isAway ? away() : inner.get(file)),
      list: (prefix) => {
        if (isAway) throw new ReadflowError('lake-unavailable', 'no answer')
        return inner.list(prefix)
      },
    }),
  })
  await publishNext(api, 1)
  await recordRun(api, 'x')
  isAway = true
  const { status, body } = await api.get('/v1/events')
  assert.equal(status, 503)
  assert.match(body.detail, /lake does not answer/)
  assert.equal(api.streams.size(), 0)
})

test('who wants Gold alone is not told of runs, nor of a gap in them', async (t) => {
  const api = await startApi(t)
  for (let count = 0; count < 3; count++) await recordRun(api, String(count))
  await publishNext(api, 1)
  for (const lastId of ['-1.-1', '-1.999']) {
    const { until } = await listen(t, api, { query: '?types=gold', lastId })
    await until(1)
    await publishNext(api, 2)
    assert.equal((await until(2)).filter(({ event }) => event !== 'gold').length, 0)
  }
})
