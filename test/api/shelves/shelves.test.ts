import assert from 'node:assert/strict'
import { readdir, readFile, stat } from 'node:fs/promises'
import { request } from 'node:http'
import path from 'node:path'
import { type TestContext, test } from 'node:test'
import { openInbox } from '../../../lineage/shelves/inbox.ts'
import { startApi } from '../helpers/api.ts'
import { book, publishGold } from '../helpers/gold-lake.ts'

const csv = 'Book Id,Title\r\n1,"One"\r\n'
const KEY = 'S3cretKey-of-a-private_shelf'
const open = async (t: TestContext) => {
  const api = await startApi(t)
  const post = (
    body: string | Uint8Array,
    type = 'text/csv',
    { query = '', headers = {} }: { query?: string; headers?: Record<string, string> } = {},
  ) => api.get(`/v1/shelves${query}`, { method: 'POST', body: body as string, headers: { 'content-type': type, ...headers } })
  return { ...api, post, inbox: openInbox(api.folder), files: () => readdir(path.join(api.folder, 'inbox'), { recursive: true }) }
}

test('an upload waits in the inbox, is replaced by one of the same name, and is forgotten on demand', async (t) => {
  const { post, get, inbox, files } = await open(t)
  const added = await post(csv, 'text/csv', { query: '?name=Ann%20B.' })
  assert.equal(added.status, 201)
  assert.equal(added.headers.get('location'), '/v1/shelves/export-ann-b')
  assert.deepEqual(
    [added.body.id, added.body.user_id, added.body.name, added.body.state, added.body.in_gold, added.body.size_bytes],
    ['export-ann-b', 'export-ann-b', 'Ann B.', 'waiting', false, csv.length],
  )
  const first = await inbox.get('export-ann-b')
  assert.equal(await readFile(inbox.exportFile(first!.request), 'utf8'), csv)
  await inbox.writeStatus('export-ann-b', {
    ...{ revision: first!.request.revision, state: 'failed', detail: 'x has no column', counts: null },
    ...{ unreadLines: 2, readAt: null, nextMs: null, ends: {} },
  })
  const failed = (await get('/v1/shelves/export-ann-b')).body
  assert.deepEqual([failed.state, failed.detail, failed.unread_lines], ['failed', 'x has no column', 2])

  assert.equal((await post(`${csv}2,Two\n`, 'application/vnd.ms-excel', { query: '?name=ann-b' })).status, 200)
  const again = (await get('/v1/shelves/export-ann-b')).body
  assert.deepEqual([again.state, again.detail], ['waiting', null])
  assert.equal((await get('/v1/shelves')).body.shelves.length, 1)
  assert.equal((await files()).filter((name) => name.endsWith('.csv')).length, 1)

  assert.equal((await get('/v1/shelves/export-ann-b', { method: 'DELETE' })).status, 204)
  assert.equal((await get('/v1/shelves/export-ann-b', { method: 'DELETE' })).status, 404)
  assert.deepEqual(await files(), [])
})

test('a feed is taken by its address, and its key shows nowhere', async (t) => {
  const { post, get, inbox, folder } = await open(t)
  const address = `https://www.goodreads.com/review/list_rss/123?key=${KEY}&shelf=to-read`
  const added = await post(JSON.stringify({ feed: address }), 'application/json')
  assert.equal(added.status, 201, JSON.stringify(added.body))
  assert.deepEqual([added.body.id, added.body.user_id, added.body.feed], ['feed-123-to-read', '123', '123?shelf=to-read'])
  const shelf = await inbox.get('feed-123-to-read')
  assert.deepEqual(await inbox.feedAddress(shelf!.request), { userId: '123', shelf: 'to-read', key: KEY })
  const file = path.join(folder, 'inbox', 'feed-123-to-read', `${shelf!.request.revision}.feed`)
  assert.equal((await stat(file)).mode & 0o077, 0)
  assert.doesNotMatch(JSON.stringify([added.body, (await get('/v1/shelves')).body, shelf]), /S3cret/)

  for (const feed of ['https://evil.example/review/list_rss/1?key=S3cretKey-x', 'http://127.0.0.1/', 'x', 7]) {
    const refused = await post(JSON.stringify({ feed }), 'application/json')
    assert.equal(refused.status, 400)
    assert.equal(refused.body.errors[0].parameter, 'feed')
    assert.doesNotMatch(JSON.stringify(refused.body), /S3cret/)
  }
})

test('it is in Gold once Gold is complete to a time after its reading', async (t) => {
  const { post, get, inbox, store, gold } = await open(t)
  await post(csv)
  const { request: added } = (await inbox.get('export-my-shelf'))!
  const status = {
    revision: added.revision,
    state: 'read',
    detail: null,
    counts: { books: 1 },
    unreadLines: 0,
    nextMs: null,
    ends: {},
  } as const
  await publishGold(store, { dim_book: [book('1')] })
  await gold.refresh()
  const through = Date.parse(gold.current()!.completeThrough!)
  await inbox.writeStatus(added.id, { ...status, readAt: new Date(through + 1).toISOString() })
  assert.equal((await get(`/v1/shelves/${added.id}`)).body.in_gold, false)
  await inbox.writeStatus(added.id, { ...status, readAt: new Date(through - 1).toISOString() })
  assert.equal((await get(`/v1/shelves/${added.id}`)).body.in_gold, true)
})

test('an upload of 100 MB is refused, with and without a length, and nothing is left of it', async (t) => {
  const { url, get, files } = await open(t)
  const send = (headers: Record<string, string>) =>
    new Promise<number>((resolve, reject) => {
      const asking = request(
        new URL('/v1/shelves', url),
        { method: 'POST', headers: { 'content-type': 'text/csv', ...headers }, agent: false },
        (response) => {
          response.resume()
          resolve(response.statusCode ?? 0)
          asking.destroy()
        },
      )
      asking.on('error', reject)
      const chunk = Buffer.alloc(1024 * 1024, 'x')
      let left = 100
      const more = () => {
        while (left-- > 0) if (!asking.write(chunk)) return void asking.once('drain', more)
        asking.end()
      }
      more()
    })
  assert.equal(await send({ 'content-length': String(100 * 1024 * 1024) }), 413)
  assert.equal(await send({ 'transfer-encoding': 'chunked' }), 413)
  assert.deepEqual(await files(), [])
  assert.equal((await get('/v1/shelves')).status, 200)
})

test('what is sent in another way is refused in one line', async (t) => {
  const { post, get } = await open(t)
  assert.equal((await post(csv, 'text/plain')).status, 415)
  assert.equal((await post('', 'text/csv')).status, 400)
  assert.equal((await post(csv, 'text/csv', { query: '?name=...' })).status, 400)
  assert.equal((await post(csv, 'text/csv', { query: '?who=me' })).status, 400)
  assert.equal((await post('{', 'application/json')).status, 400)
  assert.equal((await post('{"feed":"1","more":1}', 'application/json')).status, 400)
  assert.equal((await get('/v1/shelves/..%2F..%2Fetc')).status, 404)
  assert.equal((await get('/v1/shelves/export-nobody')).status, 404)
  assert.equal((await get('/v1/shelves', { method: 'PUT' })).status, 405)
})

test('the page of another site adds and forgets nothing', async (t) => {
  const { post, get, url, inbox } = await open(t)
  await post(csv)
  const host = new URL(url).origin
  for (const headers of [
    { 'sec-fetch-site': 'cross-site' },
    { 'sec-fetch-site': 'same-site' },
    { origin: 'https://evil.example' },
    { origin: 'null' },
    { origin: host.replace(/:\d+$/, ':1') },
  ] as Record<string, string>[]) {
    assert.equal((await post(csv, 'text/csv', { query: '?name=x', headers })).status, 403, JSON.stringify(headers))
    assert.equal((await get('/v1/shelves/export-my-shelf', { method: 'DELETE', headers })).status, 403)
  }
  assert.equal((await inbox.list()).length, 1)
  assert.equal((await post(csv, 'text/csv', { headers: { origin: host, 'sec-fetch-site': 'same-origin' } })).status, 200)
})
