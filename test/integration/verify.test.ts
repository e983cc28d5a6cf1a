import assert from 'node:assert/strict'
import path from 'node:path'
import { after, before, test } from 'node:test'
import { pinTables } from '../../consumers/verify/pin.ts'
import type { PartitionReport, Report } from '../../consumers/verify/report.ts'
import { verify } from '../../consumers/verify/verify.ts'
import { columnOf, valueAt } from '../../lake/columns/column.ts'
import { take } from '../../lake/columns/take.ts'
import { commit } from '../../lake/delta/commit.ts'
import { openTable } from '../../lake/delta/table.ts'
import { openLocalFiles } from '../../lake/store/local-files.ts'
import { openStore } from '../../lake/store/open.ts'
import { openDuckDb } from '../../runtime/duckdb.ts'
import { openSecondReader } from '../../runtime/kafka/second/reader.ts'
import { createRandom, seedOfRun } from '../faults/helpers/random.ts'
import { createPlanner } from '../faults/helpers/records.ts'
import { openWorld, type World } from '../faults/helpers/world.ts'
import { copyLake, placesOf, withFirst } from '../helpers/lake-copy.ts'
import { minioSkip, startTestMinio } from '../helpers/minio.ts'
import { eventually, stackSkip } from '../helpers/stack.ts'
import { lastJson, readflow } from '../helpers/up.ts'

const skip = await stackSkip()
const seed = seedOfRun()
let world: World
let lake: string
let planner: ReturnType<typeof createPlanner>
let aborted: ReturnType<typeof createPlanner>
before(async () => {
  if (skip) return
  console.log(`seed ${seed}`)
  world = await openWorld()
  lake = path.join(world.stack.dataDir, 'lake')
  planner = createPlanner(world.encoders, createRandom(seed))
  aborted = createPlanner(world.encoders, createRandom(seed + 1))
  await world.publish([...planner.plans('ratings', 300), ...planner.plans('books', 200)])
  await world.publishAborted(aborted.plans('ratings', 20))
  await world.publish([...planner.plans('ratings', 200), ...planner.plans('books', 100)])
  await drain()
})
after(() => world?.close())

const drain = async () => {
  for (const stage of ['bronze', 'silver'] as const) await world.drain(world.job({ run: 'first', stage, lakeUrl: `file:${lake}` }))
}
const run = (...more: string[]) =>
  readflow([
    'verify',
    '--brokers',
    world.stack.brokers.join(','),
    '--fields',
    '--registry',
    world.stack.registryUrl,
    '--lake',
    `file:${lake}`,
    '--data',
    world.stack.dataDir,
    ...more,
  ])

/** Verifies a lake in this process. Faults are lines such as `bronze.ratings/0: …`. */
const check = async (dir: string) => checkUrl(`file:${dir}`)
const checkUrl = async (lakeUrl: string) => {
  const store = openStore(lakeUrl)
  const reader = await openSecondReader({ brokers: world.stack.brokers, clientId: 'test' })
  const duckdb = await openDuckDb()
  try {
    const signal = new AbortController().signal
    const files = openLocalFiles({ store, dir: world.stack.dataDir, maxBytes: 0 })
    const options = { files, reader, registry: world.registry, duckdb, signal, onProgress: () => undefined }
    const report: Report = await verify(options, await pinTables(store))
    const partitions = report.parts.flatMap((part): PartitionReport[] => part.partitions)
    const faults = partitions.flatMap(({ table, partition, faults: of }) => of.map((fault) => `${table}/${partition}: ${fault}`))
    assert.equal(report.ok, faults.length === 0 && report.notCompared.length === 0)
    return { report, partitions, faults }
  } finally {
    await duckdb.close()
    await reader.close()
    await store.close()
  }
}

const copyOf = () => copyLake(lake, world.stack.dataDir)

test('what the pipeline wrote is proved, and told as a table', { skip }, async () => {
  const { code, stdout, stderr } = await run()
  assert.equal(code, 0, stdout + stderr)
  assert.match(stdout, /Everything holds\.\n$/)
  assert.match(stdout, /^bronze\.ratings goodreads\.ratings\/0 +0 +\d+ +\d+ +0 +0 +proved$/m)
  const { totals } = lastJson(await run('--json'))
  const all = [...world.delivered('ratings'), ...world.delivered('books')]
  const count = (fate: string) => all.filter((record) => record.fate === fate).length
  assert.deepEqual(totals, {
    rows: all.length,
    missing: 0,
    duplicate: 0,
    delivered: all.length,
    valid: count('valid') + count('late'),
    late: count('late'),
    repeats: count('repeat'),
    deadLetters: count('dead'),
    sinceAccepted: 0,
  })
})

test('what it can not find out is one line and exit 2', { skip }, async () => {
  const cases = [
    [['--lake', 'file:/nowhere'], /^verify: There are no tables in file:\/nowhere\./],
    [['--brokers', '127.0.0.1:1'], /^verify: No Kafka broker answers at 127\.0\.0\.1:1\./],
    [['--color'], /^verify: Unknown option '--color'/],
  ] as const
  for (const [args, expected] of cases) {
    const { code, stderr, stdout } = await run(...args)
    assert.equal(code, 2, stderr)
    assert.match(stderr, expected)
    assert.equal(stderr.trimEnd().split('\n').length, 1)
    assert.equal(stdout, '')
  }
})

test('Bronze: a file taken out, a file twice, rows deleted, changed or put elsewhere are named', { skip }, async () => {
  const root = 'bronze/ratings'
  const expectNamed = async (dir: string, places: { partition: number; offset: number }[], text: string) => {
    const { faults } = await check(dir)
    for (const { partition, offset } of places) {
      const line = faults.find((fault) => fault.startsWith(`bronze.ratings/${partition}: `) && fault.includes(text))
      assert.ok(line, `${text} in ${faults.join('\n')}`)
      const ranges = line
        .slice(line.lastIndexOf(': ') + 2)
        .split(', ')
        .map((range) => range.split('–').map((each) => Number.parseInt(each, 10)))
      assert.ok(line.endsWith('and more') || ranges.some(([from = 0, to = from]) => offset >= from && offset <= to), `${offset} in ${line}`)
    }
  }
  const removed = await copyOf()
  const [file] = await removed.filesOf(root)
  const gone = placesOf(await removed.rowsOf(root, file!))
  await removed.write(root, { removes: [file!] })
  await expectNamed(removed.dir, gone, 'offsets are missing')

  const doubled = await copyOf()
  await doubled.store.put(`${root}/twice.parquet`, await doubled.store.get(`${root}/${decodeURIComponent(file!.path)}`))
  await doubled.write(root, { adds: [{ ...file!, path: 'twice.parquet' }] })
  await expectNamed(doubled.dir, gone, 'rows are duplicates')

  const deleted = await copyOf()
  const first = placesOf(
    await deleted.rewrite(root, (batch) =>
      take(
        batch,
        Array.from({ length: batch.length - 3 }, (_, row) => row + 3),
      ),
    ),
  ).slice(0, 3)
  await expectNamed(deleted.dir, first, 'offsets are missing')

  for (const [name, value, text] of [
    ['_value_hash', '0'.repeat(64), 'another value or key'],
    ['_key', Buffer.from('somebody else'), 'another value or key'],
    ['_offset', 1_000_000, 'rows lie outside'],
  ] as const) {
    const changed = await copyOf()
    const before = await changed.rewrite(root, (batch) => withFirst(batch, name, value))
    const [place] = placesOf(before)
    await expectNamed(changed.dir, [name === '_offset' ? { ...place!, offset: 1_000_000 } : place!], text)
  }
})

test('damaged files end with exit 1, and the rest is compared all the same', { skip }, async () => {
  const copy = await copyOf()
  const [gone] = await copy.filesOf('bronze/ratings')
  const [{ partition, offset } = { partition: 0, offset: 0 }] = placesOf(await copy.rowsOf('bronze/ratings', gone!))
  await copy.store.delete(`bronze/ratings/${decodeURIComponent(gone!.path)}`)
  await copy.store.put('silver/books/_delta_log/00000000000000000001.json', new TextEncoder().encode('{"add":'))
  const { code, stdout, stderr } = await run('--lake', `file:${copy.dir}`)
  assert.equal(code, 1, stderr)
  assert.match(stdout, /^FAILED bronze\.ratings: the data file \S+ is not there; what it held is lost: \d+ rows, by the log of partitions/m)
  assert.match(stdout, /^FAILED silver\.books: the log entry silver\/books\/\S+01\.json can not be read: .* Bring the file back/m)
  assert.match(
    stdout,
    new RegExp(`^FAILED bronze.ratings goodreads.ratings/${partition}: \\d+ offsets are missing: .*\\b${offset}\\b`, 'm'),
  )
  assert.match(
    stdout,
    /^FAILED silver\.ratings goodreads\.ratings\/\d: \d+ rows can not be compared, as their records are missing in Bronze/m,
  )
  assert.match(stdout, /^bronze\.books goodreads\.books\/0 .* proved$/m)
})

test('a field that was changed behind the back of the hashes is named', { skip }, async () => {
  for (const [root, name, value] of [
    ['bronze/ratings', 'rating', 99],
    ['silver/ratings', 'rating', 99],
    ['silver/ratings', '_hash', 'f'.repeat(32)],
    ['bronze/books', 'title', 'another'],
  ] as const) {
    const changed = await copyOf()
    const [place] = placesOf(await changed.rewrite(root, (batch) => withFirst(batch, name, value)))
    const { faults } = await check(changed.dir)
    assert.equal(faults.length, 1, faults.join('\n'))
    const expected = `${root.replace('/', '.')}/${place?.partition}: 1 rows have other fields than Kafka's records`
    assert.ok(faults[0]?.startsWith(expected) && faults[0].endsWith(`: ${place?.offset}`), faults[0])
  }
})

test('Bronze: a gap is no fault where it is named', { skip }, async () => {
  const { dir, rewrite, write, store } = await copyOf()
  const root = 'bronze/ratings'
  const batch = await rewrite(root, (rows) =>
    take(
      rows,
      Array.from({ length: rows.length - 1 }, (_, row) => row + 1),
    ),
  )
  const [{ partition, offset } = { partition: 0, offset: 0 }] = placesOf(batch)
  const topicId = valueAt(columnOf(batch, '_topic_id'), 0)
  assert.ok((await check(dir)).faults.length > 0)
  const appId = `bronze/${world.client.clusterId}/${topicId}/${partition}`
  const { txns } = await openTable(store, root).snapshot()
  await write(root, {
    configuration: { [`readflow.gap.${topicId}.${partition}.${offset}`]: JSON.stringify({ to: offset + 1, reason: 'skipped', at: '' }) },
    txns: [{ appId: `${appId}/rows`, version: (txns.get(`${appId}/rows`) ?? 0) - 1 }],
  })
  const { faults, partitions } = await check(dir)
  assert.deepEqual(faults, [])
  const part = partitions.find(({ table, partition: of }) => table === 'bronze.ratings' && of === partition)
  assert.deepEqual(part?.notes, [`named gap: ${offset} (skipped)`])
})

test('Silver: rows lost, doubled or changed, counters and dead letters that do not fit', { skip }, async () => {
  const root = 'silver/ratings'
  const faultsAfter = async (break_: (copy: Awaited<ReturnType<typeof copyOf>>) => Promise<unknown>) => {
    const copy = await copyOf()
    await break_(copy)
    return (await check(copy.dir)).faults.filter((fault) => fault.startsWith('silver.ratings/')).join('\n')
  }
  const lost = await faultsAfter(async (copy) => copy.write(root, { removes: [(await copy.filesOf(root))[0]!] }))
  assert.match(lost, /records are neither rows nor dead letters nor repeats of a row before them, at offsets: \d/)
  assert.match(lost, /there are \d+ rows, and the table counts \d+ valid records/)
  const doubled = await faultsAfter((copy) =>
    copy.rewrite(root, (batch) => take(batch, [0, ...Array.from({ length: batch.length }, (_, row) => row)])),
  )
  assert.match(doubled, /1 rows are of a record or a version that was accepted before, at offsets: \d+ \(/)
  for (const [name, value] of [
    ['_key', 'somebody else'],
    ['_order', 1],
    ['_deleted', true],
    ['_offset', 1_000_000],
  ] as const) {
    const changed = await faultsAfter((copy) => copy.rewrite(root, (batch) => withFirst(batch, name, value)))
    assert.match(changed, /another key, time or kind|accepted before|lie outside/, name)
  }
  const counted = await faultsAfter(async ({ write, store }) => {
    const { txns } = await openTable(store, root).snapshot()
    const [appId = ''] = [...txns].map(([id]) => id).filter((id) => id.endsWith('/repeat'))
    await write(root, { txns: [{ appId, version: (txns.get(appId) ?? 0) + 1 }] })
  })
  assert.match(counted, /valid \+ \d+ repeats \+ \d+ dead letters are \d+, and \d+ were delivered$/)
})

test('a lake on S3', { skip: skip || minioSkip() }, async (t) => {
  const minio = await startTestMinio()
  t.after(minio.stop)
  const [from, to] = [openStore(`file:${lake}`), openStore(minio.lakeUrl())]
  for await (const { path: name } of from.list('')) await to.put(name, await from.get(name))
  assert.deepEqual((await checkUrl(minio.lakeUrl())).faults, [])
  const table = openTable(to, 'bronze/ratings')
  const { metadata, files } = await table.snapshot()
  const removes = [...files.values()].slice(0, 1)
  await commit(table, { operation: 'TEST', fields: metadata?.fields ?? [], partitionColumns: metadata?.partitionColumns ?? [], removes })
  assert.match((await checkUrl(minio.lakeUrl())).faults.join('\n'), /offsets are missing: \d/)
  await from.close()
  await to.close()
})

test('while the pipeline runs, it raises no false alarm', { skip }, async () => {
  let isDone = false
  const running = (async () => {
    for (let round = 0; round < 4; round++) {
      await world.publish([...planner.plans('ratings', 60), ...planner.plans('books', 40)])
      await world.publishAborted(aborted.plans('ratings', 3))
      await drain()
    }
  })().finally(() => {
    isDone = true
  })
  let checks = 0
  for (; !isDone || checks < 2; checks++) assert.deepEqual((await check(lake)).faults, [])
  await running
  console.log(`${checks} checks meanwhile`)
})

test('where Kafka has expired the records, the ledger says it', { skip }, async () => {
  await world.admin.deleteRecords({ topics: [{ name: 'goodreads.ratings', partitions: [{ partition: 0, offset: 150n }] }] })
  const { faults, partitions } = await check(lake)
  assert.deepEqual(faults, [])
  const of = (table: string) => partitions.find((each) => each.table === table && each.partition === 0)
  assert.deepEqual(of('bronze.ratings')?.notes, ['contiguous by ledger: 0–149'])
  assert.match(of('silver.ratings')?.notes.join() ?? '', /delivered by Bronze's word/)

  const { dir, rewrite } = await copyOf()
  const [place] = placesOf(
    await rewrite('bronze/ratings', (batch) =>
      take(
        batch,
        Array.from({ length: batch.length - 1 }, (_, row) => row + 1),
      ),
    ),
  )
  const named = (await check(dir)).faults.join('\n')
  assert.match(named, new RegExp(`bronze\\.ratings/${place?.partition}: .*(missing).*\\b${place?.offset}`))
})

test('what Kafka lost after Silver had read it, and Bronze names as a gap, is no failure: it can not be known', { skip }, async () => {
  const job = (stage: 'bronze' | 'silver') => world.job({ run: 'first', stage, lakeUrl: `file:${lake}` })
  const store = openStore(`file:${lake}`)
  const progress = async (stage: 'bronze' | 'silver') => {
    const { txns } = await openTable(store, `${stage}/ratings`).snapshot()
    return [...txns].find(([id]) => /^\w+\/[^/]+\/[^/]+\/0$/.test(id))?.[1] ?? 0
  }
  await world.publish(planner.plans('ratings', 200))
  await world.drain(job('silver'))
  const [from, end] = [await progress('bronze'), await progress('silver')]
  const to = from + Math.floor((end - from) / 2)
  assert.ok(to > from, `${from} to ${end}`)
  await world.admin.deleteRecords({ topics: [{ name: 'goodreads.ratings', partitions: [{ partition: 0, offset: BigInt(to) }] }] })
  assert.match((await check(lake)).faults.join('\n'), /silver\.ratings\/0: how many records were delivered can not be told/)

  await world.drain({ ...job('bronze'), isLossAccepted: true })
  await store.close()
  const { faults, partitions } = await check(lake)
  assert.deepEqual(faults, [])
  const silver = partitions.find(({ table, partition }) => table === 'silver.ratings' && partition === 0)
  // By chance a record after the gap has the key and time of a row in it.
  const byTime = silver?.notes.some((note) => note.includes('with an earlier version in that gap'))
  assert.equal(silver?.proof, byTime ? 'not compared' : 'contiguous by ledger')
  assert.ok(
    silver?.notes.some((note) => note.startsWith(`named gap of Bronze: ${from}–${to - 1} (lost)`)),
    silver?.notes.join('; '),
  )

  // What Bronze has is compared all the same.
  const copy = await copyOf()
  for (const file of await copy.filesOf('silver/ratings')) {
    const places = placesOf(await copy.rowsOf('silver/ratings', file)).filter(({ partition, offset }) => partition === 0 && offset >= to)
    if (places.length === 0) continue
    await copy.write('silver/ratings', { removes: [file] })
    const lost = (await check(copy.dir)).faults.join('\n')
    assert.match(lost, /silver\.ratings\/0: \d+ records are neither rows nor dead letters nor repeats/)
    return
  }
  assert.fail('Silver has no rows after the gap')
})

test('a topic made anew: the one that is gone is contiguous by ledger', { skip }, async () => {
  await world.admin.deleteTopics({ topics: ['goodreads.books'] })
  const created = () => world.admin.createTopics({ topics: ['goodreads.books'], partitions: 2, replicas: 1 })
  await eventually(() => created().then(() => true))
  await eventually(async () => (await world.admin.listTopics()).includes('goodreads.books'))
  const { faults, partitions } = await check(lake)
  assert.deepEqual(faults, [])
  const books = partitions.filter(({ table }) => table === 'bronze.books')
  assert.deepEqual(
    books.map(({ proof, notes }) => [proof, ...notes]),
    [['contiguous by ledger', 'topic gone'], ['contiguous by ledger', 'topic gone'], ['no rows yet'], ['no rows yet']],
  )
})
