import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import path from 'node:path'
import { after, before, type TestContext, test } from 'node:test'
import { Admin } from '@platformatic/kafka'
import { openKafkaSource } from '../../consumers/replay/kafka-source.ts'
import { openReplay } from '../../consumers/replay/open.ts'
import { runReplay } from '../../consumers/replay/program.ts'
import { runRollback } from '../../consumers/rollback/rollback.ts'
import { pinTables } from '../../consumers/verify/pin.ts'
import { exitCodeOf } from '../../consumers/verify/report.ts'
import { verify } from '../../consumers/verify/verify.ts'
import { filePath } from '../../lake/delta/actions.ts'
import { commit } from '../../lake/delta/commit.ts'
import { openTable } from '../../lake/delta/table.ts'
import { listReplays, stagedByReplays, writeReplay } from '../../lake/replays.ts'
import { openLocalFiles } from '../../lake/store/local-files.ts'
import { openStore } from '../../lake/store/open.ts'
import { RUNS_ROOT, readNewestDays } from '../../lineage/runs/read.ts'
import { type AvroCodec, compileAvro, frameAvro } from '../../runtime/avro.ts'
import { parseConfig } from '../../runtime/config/config.ts'
import { openDuckDb } from '../../runtime/duckdb.ts'
import { errorLine, needsPerson } from '../../runtime/errors.ts'
import { openSecondReader } from '../../runtime/kafka/second/reader.ts'
import { createScope, type Release } from '../../runtime/lifecycle.ts'
import { createLog } from '../../runtime/log.ts'
import { catalogue } from '../../schemas/catalogue.ts'
import { startTestPipeline, type TestPipeline } from '../helpers/pipeline.ts'
import { eventually, stackSkip } from '../helpers/stack.ts'
import { readRows } from '../helpers/tables.ts'
import { lastJson, readflow, root, tempDir, until } from '../helpers/up.ts'

/*
 * Records of a schema with a field of its own are dead letters for a `consume` that freezes, and rows for a replay that does
 * not: so the two derive differently, as two versions of the code do.
 */
const skip = await stackSkip()
/** On a loaded machine a program takes its time to start. */
const patience = { within: 300_000 }
const log = createLog('test', 'error')
const { topic, schema, subject } = catalogue.ratings
let pipeline: TestPipeline
let common: string[]
let consume: ChildProcess
let consumeErrors = ''
let codecs: { plain: [number, AvroCodec]; mood: [number, AvroCodec] }

before(async () => {
  if (skip) return
  pipeline = await startTestPipeline()
  const withMood = { ...schema, fields: [...schema.fields, { name: 'mood', type: ['null', 'string'], default: null }] }
  codecs = {
    plain: [await pipeline.registry.register(subject, schema), compileAvro(schema)],
    mood: [await pipeline.registry.register(subject, withMood), compileAvro(withMood)],
  }
  const { stack, lakeUrl } = pipeline
  common = ['--brokers', stack.brokers.join(','), '--registry', stack.registryUrl, '--lake', lakeUrl, '--data', stack.dataDir]
  await send(0, 1200)
  await send(1200, 1240, { mood: 'glad' })
  // The same versions once more, without the field: rows of a table that refused the first ones.
  await send(1200, 1210)
  await pipeline.producer.send([{ topic, key: 'bad', value: Buffer.from('not avro') }])
  await send(1300, 1600)
  await send(0, 100)
  startConsume()
  await caughtUp()
})
after(async () => {
  consume?.kill('SIGTERM')
  await pipeline?.close()
})

/** Ratings `from` to `to`: the same number is the same version, whatever schema it is written with. */
const send = (from: number, to: number, { mood }: { mood?: string } = {}) =>
  pipeline.producer.send(
    Array.from({ length: to - from }, (_, index) => {
      const number = from + index
      const [user_id, book_id] = [`u${Math.floor(number / 2)}`, '1']
      const value = {
        user_id,
        book_id,
        rating: 1 + (number % 5),
        rated_at: 1_700_000_000_000 + number,
        review_id: null,
        extra: { n: String(number) },
      }
      const [id, codec] = mood === undefined ? codecs.plain : codecs.mood
      return { topic, key: `${user_id}:${book_id}`, value: frameAvro(id, codec.encode({ ...value, mood: mood ?? null })) }
    }),
  )

const command = (name: string, args: string[]) =>
  spawn(process.execPath, [path.join(root, 'bin/readflow.mjs'), name, ...args, ...common], { cwd: root })
const consumeArgs = ['--flush-interval', '1s', '--drift', 'ratings=freeze', '--log-level', 'warn']
const startOther = (dir: string) =>
  spawn(process.execPath, [path.join(root, 'bin/readflow.mjs'), 'consume', ...consumeArgs, ...common.slice(0, -1), dir], {
    cwd: root,
    stdio: 'ignore',
  })
const startConsume = () => {
  consume = command('consume', consumeArgs)
  consume.stderr?.on('data', (text) => {
    consumeErrors += text
  })
}
const caughtUp = () =>
  eventually(async () => {
    const lags = await Promise.all(['bronze', 'silver'].map((stage) => pipeline.client.groupLag(`readflow.${stage}`, [topic])))
    return lags.flat().every(({ committedOffset, lag }) => committedOffset !== null && lag === 0)
  }, patience)
/** What a command prints, in this process; where it fails its line and exit code. */
const inProcess = async (work: (print: (text: string) => void, defer: (release: Release) => void) => Promise<void>) => {
  const scope = createScope()
  let output = ''
  try {
    await work((text) => {
      output += text
    }, scope.defer)
    return output.startsWith('{') ? JSON.parse(output) : output
  } catch (error) {
    return { code: needsPerson(error) ? 2 : 1, error: errorLine(error) }
  } finally {
    await scope.close()
  }
}
const context = {
  run: { id: '', begin: () => undefined, note: () => undefined, end: () => undefined },
  log,
  signal: new AbortController().signal,
}
const replayed = (...args: string[]) =>
  inProcess(async (print, defer) => {
    const config = parseConfig('replay', [...args, ...common], {})!
    const request = { from: config.replayFrom ?? '', to: config.replayTo, partitions: config.replayPartitions ?? null }
    await runReplay(config, { ...context, name: config.operands[0] ?? '', request, print, defer })
  })
const replay = (...args: string[]) => replayed(...args, '--json')
/** `beforeSwap` comes between what a swap has read of the table and its commit. */
const rollback = (name: string, beforeSwap: () => Promise<void> = async () => undefined) =>
  inProcess(async (print, defer) => {
    const config = parseConfig('rollback', [name, ...common, '--json'], {})!
    const opened = await openReplay(config, { ...context, name, program: 'rollback', defer })
    const topicIds = async (topics: readonly string[]) => {
      await beforeSwap()
      return opened.client.topicIds(topics)
    }
    await runRollback(config, { ...opened, client: { ...opened.client, topicIds } }, { ...context, name, print, defer })
  })
const verified = async () => {
  await caughtUp()
  const store = openStore(pipeline.lakeUrl)
  const reader = await openSecondReader({ brokers: pipeline.stack.brokers, clientId: 'test' })
  const duckdb = await openDuckDb()
  try {
    const files = openLocalFiles({ store, dir: pipeline.stack.dataDir, maxBytes: 0 })
    const options = { files, reader, registry: null, duckdb, signal: context.signal, onProgress: () => undefined }
    const report = await verify(options, await pinTables(store))
    assert.deepEqual(
      report.parts.flatMap((part) =>
        part.partitions.flatMap(({ table, partition, faults }) => faults.map((fault) => `${table}/${partition}: ${fault}`)),
      ),
      [],
      consumeErrors,
    )
    // Nothing publishes clean topics here all the time: one that waits for its comparison is not judged.
    assert.notEqual(exitCodeOf(report), 1)
    assert.ok(
      report.notCompared.every(({ what }) => /\.clean$/.test(what)),
      JSON.stringify(report.notCompared),
    )
  } finally {
    await duckdb.close()
    await reader.close()
    await store.close()
  }
}
const versionOf = async (table: string) => (await openTable(openStore(pipeline.lakeUrl), table).snapshot()).version
const rowsOf = async (table = 'silver/ratings') =>
  (
    await readRows(pipeline.lakeUrl, table, [
      '_partition',
      '_offset',
      '_key',
      'rating',
      ...(table.startsWith('silver') ? ['_order', '_hash', '_late'] : []),
    ])
  )
    .map((row) =>
      Object.values(row)
        .map((value) => (value instanceof Uint8Array ? Buffer.from(value).toString() : String(value)))
        .join(' '),
    )
    .sort()
const filesOf = async (prefix: string) => {
  const files: string[] = []
  for await (const { path: name } of openStore(pipeline.lakeUrl).list(prefix)) files.push(name)
  return files
}
const entries = () => listReplays(openStore(pipeline.lakeUrl))
/** Sends ratings until it is stopped; gives how many. */
const traffic = (t: TestContext, everyMs = 100) => {
  let [isOn, number] = [true, 10_000]
  const going = (async () => {
    while (isOn) {
      await send(number, number + 20)
      number += 20
      await new Promise((resolve) => setTimeout(resolve, everyMs))
    }
  })()
  t.after(() => {
    isOn = false
  })
  return async () => {
    isOn = false
    await going
    return number - 10_000
  }
}

test('a dry run shows the difference and leaves nothing', { skip }, async () => {
  const [version, files] = [await versionOf('silver/ratings'), await filesOf('silver/')]
  const shown = await replay('silver.ratings', '--from', 'earliest', '--dry-run')
  // Of the 40 refused records 10 versions are rows already, by a later record: those become repeats.
  assert.deepEqual([shown.added, shown.removed, shown.changed, shown.version], [40, 10, 0, null], JSON.stringify(shown))
  assert.deepEqual([shown.deadLetters.go, shown.deadLetters.come], [{ 'schema-frozen': 40 }, {}])
  assert.equal(shown.samples.filter(({ sign }: { sign: string }) => sign === '+').length, 5)
  assert.deepEqual([await versionOf('silver/ratings'), await filesOf('silver/'), await entries()], [version, files, []])
  const bounds = lastJson(await readflow(['replay', 'silver.ratings', '--bounds', '--json', ...common]))
  assert.deepEqual(
    bounds.partitions.map(({ partition, earliest, kafkaFrom }: Record<string, { offset: number }>) => [
      partition,
      earliest?.offset,
      kafkaFrom,
    ]),
    [
      [0, 0, 0],
      [1, 0, 0],
    ],
  )
  for (const { earliest, latest } of bounds.partitions)
    assert.ok(latest.offset > earliest.offset && Date.parse(earliest.at) <= Date.parse(latest.at), JSON.stringify(bounds))
  const text = await replayed('silver.ratings', '--from', 'earliest', '--dry-run')
  assert.match(text, /difference: 40 rows added, 10 removed, 0 changed\n {2}\+ u\d+:1 at /)
  assert.match(text, /dead letters: 0 come, 40 go \(schema-frozen 40\)/)
})

test('a replay swaps in under live traffic, a second one changes nothing, and rollback takes it back', { skip }, async (t) => {
  const before = await rowsOf()
  const stop = traffic(t)
  const swapped = lastJson(await readflow(['replay', 'silver.ratings', '--from', 'earliest', '--json', ...common]))
  const sent = await stop()
  assert.ok(swapped.version > 0, JSON.stringify(swapped))
  await verified()
  const after = await rowsOf()
  assert.equal(after.length, before.length + 30 + sent)
  const again = await replay('silver.ratings', '--from', 'earliest')
  assert.deepEqual([again.isDifferent, again.version], [false, null], JSON.stringify(again))
  const stopAgain = traffic(t)
  const takenBack = lastJson(await readflow(['rollback', 'silver.ratings', '--json', ...common]))
  await stopAgain()
  assert.equal(takenBack.of, swapped.version, JSON.stringify(takenBack))
  await verified()
  const kept = new Set(await rowsOf())
  assert.deepEqual(
    before.filter((row) => !kept.has(row)),
    [],
  )
  const nothing = await readflow(['rollback', 'silver.ratings', ...common])
  assert.equal(nothing.code, 2)
  assert.match(nothing.stderr, /^rollback: silver\.ratings was not replayed, or /)
  const runs = openTable(openStore(pipeline.lakeUrl), RUNS_ROOT)
  const states = (await readNewestDays(runs, await runs.snapshot(), 2)).map(({ job, state }) => `${job}: ${state}`)
  for (const expected of ['replay silver.ratings: completed', 'rollback silver.ratings: completed'])
    assert.ok(states.includes(expected), states.join('\n'))
  assert.ok(!states.some((state) => state.endsWith('failed')), 'what was refused is no run that failed')
  assert.deepEqual(
    (await entries()).slice(0, 3).map(({ request, state }) => [request, state]),
    [
      ['rollback', 'swapped'],
      ['--from earliest --to latest', 'unchanged'],
      ['--from earliest --to latest', 'swapped'],
    ],
  )
})

test('a range with an end: a version that a later row has makes that one a repeat, and back, however busy the table is', {
  skip,
}, async (t) => {
  const before = await rowsOf()
  const rows = await readRows(pipeline.lakeUrl, 'silver/ratings', ['_partition', '_offset', '_order'])
  const later = rows.filter(({ _order }) => Number(_order) >= 1_700_000_001_200 && Number(_order) < 1_700_000_001_210)
  const partition = Number(later[0]?.['_partition'])
  const first = Math.min(...later.filter((row) => row['_partition'] === partition).map((row) => Number(row['_offset'])))
  const inPartition = later.filter((row) => row['_partition'] === partition).length
  const letters = await replay('silver.ratings', '--from', 'earliest', '--to', String(first), '--partition', String(partition))
  assert.deepEqual([letters.removed, letters.changed], [inPartition, 0], JSON.stringify(letters))
  assert.ok(letters.added >= inPartition)
  await verified()
  // A live consumer that always comes first: it has committed between what the swap reads and its commit, until it is asked for room.
  const table = openTable(openStore(pipeline.lakeUrl), 'silver/ratings')
  const stop = traffic(t)
  let spared = 0
  const comesFirst = async () => {
    const { version } = await table.snapshot()
    const seen = await until(
      'the live consumer to come first',
      async () => {
        const now = await table.snapshot()
        if ([...now.txns].some(([id, untilMs]) => id.endsWith('/room') && untilMs > Date.now())) return 'room'
        return now.version > version && 'another version'
      },
      patience.within,
    )
    // Time enough for it to come first again, if it did not wait.
    if (seen === 'room') await new Promise((resolve) => setTimeout(resolve, 2000))
    spared = (await stagedByReplays(table.store)).get('silver.ratings')?.length ?? 0
  }
  const taken = await rollback('silver.ratings', comesFirst)
  await stop()
  assert.deepEqual([taken.added, taken.removed], [0, letters.added], JSON.stringify(taken))
  assert.ok(spared > 0, 'what the rollback has staged is known to vacuum')
  const operations = (await table.history({ limit: 100 })).map(({ operation }) => operation)
  assert.ok(operations.indexOf('ROLLBACK') < operations.indexOf('MAKE ROOM'), operations.join(' '))
  await verified()
  const kept = new Set(await rowsOf())
  assert.deepEqual(
    before.filter((row) => !kept.has(row)),
    [],
  )
})

test('killed while it derives, and the live group shared out anew, it goes on where it was; another one is refused; one is given up', {
  skip,
}, async (t) => {
  const request = ['silver.ratings', '--from', 'earliest']
  const args = [...request, '--flush-max-rows', '50']
  const staged = async (least: number) => {
    const open = (await entries()).find(({ state }) => state === 'open')
    return open && ((open.work as { records: number } | null)?.records ?? 0) >= least ? open : null
  }
  const stopTraffic = traffic(t, 500)
  const membersAre = (count: number) => eventually(async () => (await pipeline.client.groupMembers('readflow.silver')) === count, patience)
  const kept: string[] = []
  let other: ChildProcess | undefined
  for (const least of [50, 400]) {
    const child = command('replay', args)
    await eventually(async () => (await staged(least)) !== null, patience)
    child.kill('SIGSTOP')
    // The launcher stands for its program: both are stopped by their ids.
    const open = await staged(least)
    t.after(() => child.kill('SIGKILL'))
    process.kill(open!.pid, 'SIGSTOP')
    assert.deepEqual(
      open!.staged.slice(0, kept.length).map(({ path: name }) => name),
      kept,
      'what was derived is kept',
    )
    kept.splice(0, kept.length, ...open!.staged.map(({ path: name }) => name))
    // A second consumer takes a part of the live group's partitions, and gives it back.
    if (other) other.kill('SIGTERM')
    else {
      other = startOther(await tempDir(t))
      t.after(() => other?.kill('SIGKILL'))
    }
    await membersAre(least === 50 ? 2 : 1)
    const refused = await replay('silver.ratings', '--from', '0', '--partition', '0')
    assert.equal(refused.code, 2)
    assert.match(refused.error, /^The replay [0-9a-f]{8} of silver\.ratings is under way, in process \d+/)
    process.kill(open!.pid, 'SIGKILL')
    child.kill('SIGKILL')
    await new Promise((resolve) => child.once('close', resolve))
  }
  await stopTraffic()
  const left = await staged(400)
  assert.equal(
    (await readflow(['replay', '--list', ...common])).stdout.split('\n').filter((line) => line.includes('left behind')).length,
    1,
  )
  const text = await replayed(...request)
  assert.match(text, new RegExp(`going on with the replay ${left?.id}`))
  assert.ok(Number(/of which (\d+) records are derived/.exec(text)?.[1]) >= 400, text)
  assert.match(text, /swapped in as version \d+/)
  const inTable = (await openTable(openStore(pipeline.lakeUrl), 'silver/ratings').snapshot()).files
  assert.deepEqual(
    kept.filter((name) => !inTable.has(name)),
    [],
    'what was derived before the kills and rebalances is what was swapped in',
  )
  await verified()
  // As a kill between the swap and its note of it leaves it: the staged files are the table's.
  const swapped = (await entries()).find(({ id }) => id === left?.id)!
  const store = openStore(pipeline.lakeUrl)
  const { files } = await openTable(store, 'silver/ratings').snapshot()
  await writeReplay(store, { ...swapped, state: 'open', pid: 2 ** 30, version: null, staged: [...files.values()] })
  assert.match(await replayed(...request), /was swapped in before its process died; looking again\n.*nothing is changed/s)
  assert.deepEqual((await entries()).find(({ id }) => id === left?.id)?.version, swapped.version)
  await verified()
  const child = command('replay', [...args, '--drift', 'ratings=freeze'])
  await eventually(async () => (await staged(50)) !== null, patience)
  const open = await staged(50)
  child.kill('SIGTERM')
  assert.equal(await new Promise((resolve) => child.once('close', resolve)), 143, 'a script sees that it was stopped')
  const aborted = await readflow(['replay', '--abort', open!.id, ...common])
  assert.equal(aborted.code, 0, aborted.stderr)
  const live = new Set((await openTable(openStore(pipeline.lakeUrl), 'silver/ratings').snapshot()).files.keys())
  const present = await filesOf('silver/ratings/')
  for (const { path: name } of open!.staged) assert.ok(!live.has(name) && !present.includes(`silver/ratings/${decodeURIComponent(name)}`))
})

test('a file that is lost or damaged: all of the table is derived again with its rows; a part of it is refused', { skip }, async () => {
  const store = openStore(pipeline.lakeUrl)
  // What a freeze refused is in, so that nothing else differs.
  await replay('silver.ratings', '--from', 'earliest')
  for (const layer of ['silver', 'bronze']) {
    const root = `${layer}/ratings`
    // Each comes as a file of its own.
    for (const number of [40_000, 40_010]) {
      await send(number, number + 10)
      await caughtUp()
    }
    const before = await rowsOf(root)
    const [first, second] = [...(await openTable(store, root).snapshot()).files.values()].map((file) => ({
      at: `${root}/${filePath(file.path)}`,
      rows: (JSON.parse(file.stats ?? '{}') as { numRecords: number }).numRecords,
    }))
    await store.delete(first!.at)
    await store.put(second!.at, (await store.get(second!.at)).slice(0, -20))
    const part = await replay(`${layer}.ratings`, '--from', 'earliest', '--partition', '0')
    assert.equal(part.code, 1)
    assert.match(
      part.error,
      new RegExp(
        `^2 of the files of ${layer}\\.ratings are gone or can not be read, such as [^\n]*readflow replay ${layer}\\.ratings --from earliest\\.$`,
      ),
    )
    const dry = await replay(`${layer}.ratings`, '--from', 'earliest', '--dry-run')
    assert.deepEqual(
      [dry.added, dry.removed, dry.changed, dry.lostFiles?.length],
      [first!.rows + second!.rows, 0, 0, 2],
      JSON.stringify(dry),
    )
    const text = await replayed(`${layer}.ratings`, '--from', 'earliest')
    assert.match(
      text,
      /\nlost: 2 files of the table are gone or can not be read, such as [^\n]* rows count as gone, and are derived again\n/,
    )
    assert.match(text, /\nswapped in as version \d+, which has every row again\n/)
    await verified()
    assert.deepEqual(await rowsOf(root), before)
  }
})

test('where Kafka no longer has the records Silver comes from Bronze, byte by byte; Bronze says so', { skip }, async () => {
  const admin = new Admin({ clientId: 'test', bootstrapBrokers: [...pipeline.stack.brokers] })
  const partitions = [500n, 300n].map((offset, partition) => ({ partition, offset }))
  await admin.deleteRecords({ topics: [{ name: topic, partitions }] })
  await admin.close()
  const before = await rowsOf()
  // As of now the table has what is refused by a freeze: so this one takes it out again, and sends letters.
  const frozen = await replay('silver.ratings', '--from', 'earliest', '--drift', 'ratings=freeze')
  assert.equal(frozen.fromBronze, 800, JSON.stringify(frozen))
  assert.deepEqual([frozen.reencoded, frozen.removed, frozen.added], [0, 40, 10])
  await verified()
  const taken = await rollback('silver.ratings')
  assert.equal(taken.added, 40, JSON.stringify(taken))
  await verified()
  assert.deepEqual(await rowsOf(), before)
  const bronze = await replay('bronze.ratings', '--from', 'earliest')
  assert.deepEqual(
    [bronze.isDifferent, bronze.partitions.map(({ from }: { from: number }) => from)],
    [false, [500, 300]],
    JSON.stringify(bronze),
  )
  const refused = await replay('bronze.ratings', '--from', '10', '--partition', '0')
  assert.equal(refused.code, 2)
  assert.match(
    refused.error,
    /^Kafka no longer has the offsets 10 to 499 of goodreads\.ratings\/0, and Bronze is derived from Kafka alone\. [^\n]*$/,
  )
})

test('a topic that ends before what the table has, or is gone, ends a replay in one line', { skip }, async () => {
  const admin = new Admin({ clientId: 'test', bootstrapBrokers: [...pipeline.stack.brokers] })
  const short = 'short'
  await admin.createTopics({ topics: [short], partitions: 1, replicas: 1 })
  const { client } = pipeline
  await eventually(async () => (await client.topicIds([short])).has(short), patience)
  await pipeline.producer.send(Array.from({ length: 5 }, () => ({ topic: short, key: 'k', value: Buffer.from('v') })))
  const topicId = (await client.topicIds([short])).get(short) ?? ''
  const limits = { maxRecords: 100, maxBytes: 1_000_000 }
  const source = openKafkaSource({ client, topic: short, topicId, limits, log, lookMs: 200 })
  const read = (to: number) => source.read([{ partition: 0, from: 0, to }], async () => undefined, context.signal)
  await read(5)
  await assert.rejects(read(9), { code: 'records-lost', message: /^short\/0 ends at 5, and the table has taken in its offsets up to 8: / })
  await admin.deleteTopics({ topics: [short] })
  await assert.rejects(read(5), { code: 'topic-changed' })
  await source.close()
  await admin.close()

  const table = openTable(openStore(pipeline.lakeUrl), 'silver/ratings')
  const { txns } = await table.snapshot()
  const [appId, progress] = [...txns].find(([id]) => /^silver\/[^/]+\/[^/]+\/0$/.test(id))!
  await commit(table, { operation: 'STREAMING UPDATE', txns: [{ appId, version: progress + 1000 }] })
  for (const ended of [
    await replay('silver.ratings', '--from', 'earliest'),
    await replay('silver.ratings', '--from', 'earliest', '--dry-run'),
  ]) {
    assert.equal(ended.code, 2, JSON.stringify(ended))
    assert.match(
      ended.error,
      /^goodreads\.ratings\/0 ends at \d+, and the table has taken in its offsets up to \d+: the topic lost records/,
    )
  }
})
