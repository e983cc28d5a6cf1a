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
import { monthsBetween, partitionIs } from '../../lineage/conditions.ts'
import { openDuckDb } from '../../runtime/duckdb.ts'
import { until } from '../helpers/up.ts'
import { book, publishGold, rating } from './helpers/gold-lake.ts'

test('of a lake that is no folder only those files come here that an answer needs, and go when nobody reads them', async (t) => {
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
    existsSync(dir) ? readdirSync(dir, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.parquet')) : []
  const titles = () =>
    gold.use(undefined, ({ rows, table }) => rows<{ title: string }>(`SELECT title FROM ${table('dim_book')} ORDER BY title`))

  await publishGold(store, {
    dim_book: [book('1', { title: 'One' })],
    fact_rating: [rating('1', 5, '2026-01-02'), rating('1', 4, '2026-02-02'), rating('1', 3, '2026-02-03', 'history')],
  })
  await gold.refresh()
  assert.deepEqual((await titles())?.result, [{ title: 'One' }])
  await until('small tables to be in memory and nowhere else', async () => copies().length === 0, 10_000)

  await gold.use(undefined, async ({ rows, table, scan }) => {
    const conditions = [monthsBetween('rated_month', '2026-02-01', '2026-03-01'), partitionIs('primary_genre', 'fantasy')]
    await scan('fact_rating', conditions, async (relation) => {
      assert.deepEqual(
        copies().map((name) => /rated_month=[\d-]+/.exec(name)?.[0]),
        ['rated_month=2026-02'],
        'one of three files',
      )
      assert.deepEqual(await rows(`SELECT rating FROM ${relation}`), [{ rating: 4 }])
    })
    await publishGold(store, { dim_book: [book('1', { title: 'Other' })] })
    await gold.refresh()
    const [old] = await rows<{ title: string }>(`SELECT title FROM ${table('dim_book')}`)
    assert.equal(old?.title, 'One', 'who began on the old version ends on it')
    const all = await scan('fact_rating', [], (relation) => rows(`SELECT rating FROM ${relation} ORDER BY rating`))
    assert.deepEqual(all, [{ rating: 3 }, { rating: 4 }, { rating: 5 }], 'with its facts')
  })
  assert.deepEqual((await titles())?.result, [{ title: 'Other' }])
  await until('the end of what only the old version had', async () => copies().length === 0, 10_000)
})
