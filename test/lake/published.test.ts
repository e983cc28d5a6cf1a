import assert from 'node:assert/strict'
import { it } from 'node:test'
import { publish, readPublished } from '../../lake/published.ts'
import { openMemoryStore } from '../../lake/store/memory.ts'

const entry = {
  publishId: 'p',
  publishedAt: '2026-11-22T00:00:00.000Z',
  tables: { dim_book: 3 },
  inputs: { books: 7 },
  models: null,
  completeThrough: null,
  completeThroughByEntity: { books: null },
}

it('publishes numbered entries and reads the newest, or any', async () => {
  const store = openMemoryStore()
  assert.equal(await readPublished(store), null)
  assert.deepEqual(await publish(store, entry), { version: 0, ...entry })
  const second = await publish(store, { ...entry, models: null, completeThrough: '2026-11-21T00:00:00.000Z' })
  assert.deepEqual(await readPublished(store), second)
  assert.deepEqual(await readPublished(store, { version: 0 }), { version: 0, ...entry })
  assert.equal(await readPublished(store, { version: 5 }), null)
})

it('lets one of two publishers through', async () => {
  const store = openMemoryStore()
  const results = await Promise.allSettled([publish(store, entry), publish(store, entry)])
  assert.deepEqual(
    results.map(({ status }) => status),
    ['fulfilled', 'rejected'],
  )
  assert.equal((results[1] as PromiseRejectedResult).reason.code, 'lake-conflict')
})

it('keeps the entry in the form that other tools read', async () => {
  const store = openMemoryStore()
  await publish(store, entry)
  assert.deepEqual(JSON.parse(new TextDecoder().decode(await store.get('gold/_published/00000000000000000000.json'))), {
    version: 0,
    publish_id: 'p',
    published_at: '2026-11-22T00:00:00.000Z',
    tables: { dim_book: 3 },
    inputs: { books: 7 },
    models: null,
    complete_through: null,
    complete_through_by_entity: { books: null },
  })
})

it('gives an entry that is there already to whoever publishes the same again after a crash', async () => {
  const store = openMemoryStore()
  const first = await publish(store, { ...entry, released: { run: 'r', by: 'ann', why: 'checked' } }, { after: null })
  assert.deepEqual(await publish(store, { ...entry, publishedAt: '2026-11-23T00:00:00.000Z' }, { after: null }), first)
  await assert.rejects(publish(store, { ...entry, publishId: 'q' }, { after: null }), { code: 'lake-conflict' })
  assert.deepEqual(await readPublished(store), first)
})
