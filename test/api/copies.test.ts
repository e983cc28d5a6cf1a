import assert from 'node:assert/strict'
import { existsSync, readdirSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import pino from 'pino'
import { derivedTables } from '../../api/gold/derived.ts'
import { openGold } from '../../api/gold/reader.ts'
import { openLocalFiles } from '../../lake/store/local-files.ts'
import { openMemoryStore } from '../../lake/store/memory.ts'
import { openDuckDb } from '../../runtime/duckdb.ts'
import { until } from '../helpers/up.ts'
import { book, publishGold, rating } from './helpers/gold-lake.ts'

test('Gold of a lake that is no folder is read from copies, which stay as long as their version is open', async (t) => {
  const store = openMemoryStore()
  const dir = await mkdtemp(path.join(tmpdir(), 'readflow-copies-'))
  const files = openLocalFiles({ store, dir, maxBytes: 0 })
  const log = pino({ level: 'silent' })
  const gold = openGold({
    store,
    files,
    log,
    derived: derivedTables,
    openDuckDb: () => openDuckDb({ memoryLimit: '128MB' }),
    keepVersions: 1,
  })
  t.after(async () => {
    await gold.close()
    await rm(dir, { recursive: true })
  })
  const copies = () =>
    existsSync(dir) ? readdirSync(dir, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.parquet')).length : 0
  const titles = () =>
    gold.use(undefined, ({ rows, table }) => rows<{ title: string }>(`SELECT title FROM ${table('dim_book')} ORDER BY title`))

  await publishGold(store, { dim_book: [book('1', { title: 'One' })], fact_rating: [rating('1', 5, '2026-01-02')] })
  await gold.refresh()
  assert.deepEqual((await titles())?.result, [{ title: 'One' }])
  const first = copies()
  assert.ok(first > 2)

  await gold.use(undefined, async ({ rows, table }) => {
    await publishGold(store, { dim_book: [book('1', { title: 'Other' })] })
    await gold.refresh()
    const [old] = await rows<{ title: string }>(`SELECT title FROM ${table('dim_book')}`)
    assert.equal(old?.title, 'One', 'who began on the old version ends on it')
  })
  assert.deepEqual((await titles())?.result, [{ title: 'Other' }])
  await until('the end of what only the old version had', async () => copies() === 2, 10_000)
})
