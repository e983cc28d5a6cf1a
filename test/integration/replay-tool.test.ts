import assert from 'node:assert/strict'
import { test } from 'node:test'
import { commit } from '../../lake/delta/commit.ts'
import { openTable } from '../../lake/delta/table.ts'
import { openStore } from '../../lake/store/open.ts'
import { readRunFile } from '../../runtime/run-file.ts'
import { writeGoodbooks } from '../helpers/goodbooks.ts'
import { readTableLedger } from '../helpers/ledger.ts'
import { openRatings } from '../helpers/ratings.ts'
import { stackSkip } from '../helpers/stack.ts'
import { readRows } from '../helpers/tables.ts'
import { readflow, startStackCommand, startUp, tempDir, until } from '../helpers/up.ts'

const skip = await stackSkip()
const TOPIC = 'goodreads.ratings'

/** Every column of every row, as text, in the order of the topic: two tables hold the same where this is the same. */
const contents = async (lakeUrl: string, root: string): Promise<string[]> => {
  const store = openStore(lakeUrl)
  const names = ((await openTable(store, root).snapshot()).metadata?.fields ?? []).map(({ name }) => name)
  await store.close()
  const rows = await readRows(lakeUrl, root, names)
  const place = ({ _partition, _offset }: Record<string, unknown>) => (_partition as number) * 1e9 + (_offset as number)
  const text = (_: string, value: unknown) => (typeof value === 'bigint' ? `${value}n` : value)
  return rows.sort((a, b) => place(a) - place(b)).map((row) => JSON.stringify(row, text))
}
/** Takes every row out of a table, as somebody with another Delta writer may. */
const removeFiles = async (lakeUrl: string, root: string) => {
  const store = openStore(lakeUrl)
  const table = openTable(store, root)
  const removes = [...(await table.snapshot()).files.values()]
  await commit(table, { operation: 'DELETE', removes })
  await table.settled()
  await store.close()
}
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

test('Kafka’s own tool resets a group, and exactly that range is derived again', { skip }, async (t) => {
  const dir = `${await tempDir(t)}/a folder`
  const data = `${dir}/data`
  const lake = `file:${data}/lake`
  const source = await writeGoodbooks(`${dir}/goodbooks`, { books: 5, ratings: 50 })
  await startUp(t, ['--data', data, '--source', `dataset:${source}`, '--partitions', '2', '--flush-interval', '500ms', '--paused', 'gold'])
  const run = readRunFile(data)
  assert.ok(run)
  const ratings = await openRatings(run)
  t.after(ratings.close)

  const kafkaTool = (...args: string[]) => readflow(['kafka-tool', '--data', data, 'consumer-groups', ...args])
  const reset = (stage: string, topic: string, ...args: string[]) =>
    kafkaTool('--reset-offsets', '--group', `readflow.${stage}`, '--topic', topic, ...args, '--execute')
  const command = async (verb: string, stage: string) => {
    const { code, stderr } = await readflow([verb, stage, '--data', data])
    assert.equal(code, 0, stderr)
  }
  const ledger = (stage: string) => readTableLedger(lake, `${stage}/ratings`)
  const epochs = async (stage: string) => (await ledger(stage)).partitions.map(({ counters }) => counters['epoch'] ?? 0)
  const progress = async (stage: string) => (await ledger(stage)).partitions.map((each) => each.progress)
  const counters = async (stage: string) => (await ledger(stage)).partitions.map(({ counters: { epoch, through, ...rest } }) => rest)
  const rows = (stage: string) => contents(lake, `${stage}/ratings`)
  /** The group's offsets are those of the table, and nothing is left to read. */
  const isLevel = async (stage: string) => {
    const lags = await ratings.client.groupLag(`readflow.${stage}`, [TOPIC])
    const offsets = lags.map(({ committedOffset }) => committedOffset)
    return lags.every(({ lag }) => lag === 0) && JSON.stringify(offsets) === JSON.stringify(await progress(stage))
  }
  const settled = async (expected: Record<string, number>) => {
    for (const [stage, count] of Object.entries(expected))
      await until(`${count} rows in ${stage}`, async () => (await rows(stage)).length === count && (await isLevel(stage)), 90_000)
  }
  /** Pauses, resets, resumes, and waits until each partition has the epoch that is expected. */
  const replay = async (stage: string, expected: number[], topic: string, ...args: string[]) => {
    await command('pause', stage)
    const { code, stdout, stderr } = await reset(stage, topic, ...args)
    assert.equal(code, 0, stdout + stderr)
    await command('resume', stage)
    await until(`epochs ${expected}`, async () => String(await epochs(stage)) === String(expected) && (await isLevel(stage)), 120_000)
  }

  // Valid ratings, repeats of them, and one that breaks a rule.
  await settled({ bronze: 50, silver: 50 })
  await ratings.send(0, 200)
  await ratings.send(0, 20)
  await ratings.send(500, 1, { rating: 9 })
  await settled({ bronze: 271, silver: 250 })
  await pause(20)
  const between = new Date()
  const [middle = 0] = await progress('silver')
  await ratings.send(200, 100)
  await settled({ bronze: 371, silver: 350 })
  const ends = await progress('silver')
  const bronze = await rows('bronze')
  const silver = await rows('silver')
  const counted = { bronze: await counters('bronze'), silver: await counters('silver') }
  const same = async () => {
    assert.deepEqual(await rows('silver'), silver)
    assert.deepEqual(await rows('bronze'), bronze)
    assert.deepEqual({ bronze: await counters('bronze'), silver: await counters('silver') }, counted)
  }
  const newestReplay = async (stage: string) => (await ledger(stage)).replays[0]

  await t.test('a group that is not idle is refused by the tool itself, with an exit code that says so', async () => {
    const { code, stdout, stderr } = await reset('silver', TOPIC, '--to-earliest')
    assert.equal(code, 1)
    assert.match(stdout, /Assignments can only be reset if the group 'readflow\.silver' is inactive/)
    assert.match(stderr, /^kafka-tool: Kafka's tool refused: Assignments can only be reset/m)
    assert.deepEqual(await epochs('silver'), [0, 0])
  })

  await t.test('to earliest: all of it', async () => {
    await replay('silver', [1, 1], TOPIC, '--to-earliest')
    await same()
    assert.deepEqual(await epochs('bronze'), [0, 0])
  })

  await t.test('to an offset, of one partition: that one from there on', async () => {
    await replay('silver', [2, 1], `${TOPIC}:0`, '--to-offset', '30')
    await same()
    assert.deepEqual(await newestReplay('silver'), [{ partition: 0, from: 30, until: ends[0] }])
  })

  await t.test('to a time: what Kafka took since', async () => {
    await replay('silver', [3, 2], TOPIC, '--to-datetime', between.toISOString().replace('Z', ''))
    await same()
    const stamps = await readRows(lake, 'bronze/ratings', ['_partition', '_offset', 'ingestion_timestamp'])
    const since = stamps.filter(({ ingestion_timestamp: at }) => (at as number) >= between.getTime())
    assert.equal(since.length, 100)
    const first = (partition: number) =>
      Math.min(...since.filter(({ _partition }) => _partition === partition).map(({ _offset }) => _offset as number))
    assert.deepEqual(
      [0, 1].map((partition) => ({ partition, from: first(partition), until: ends[partition] })),
      await newestReplay('silver'),
    )
  })

  await t.test('Bronze as well', async () => {
    await replay('bronze', [1, 1], TOPIC, '--to-earliest')
    await same()
    await replay('bronze', [1, 2], `${TOPIC}:1`, '--shift-by', '-5')
    await same()
    assert.deepEqual(await newestReplay('bronze'), [{ partition: 1, from: ends[1]! - 5, until: ends[1] }])
  })

  await t.test('a group that is deleted replays nothing, and has its offsets again', async () => {
    await command('pause', 'silver')
    const { code, stdout } = await kafkaTool('--delete', '--group', 'readflow.silver')
    assert.equal(code, 0, stdout)
    await command('resume', 'silver')
    await until('the group’s offsets', () => isLevel('silver'))
    assert.deepEqual(await epochs('silver'), [3, 2])
    await same()
  })

  await t.test('moved forward, what was skipped is a named gap; a replay of it closes the gap', async () => {
    await command('pause', 'silver')
    await ratings.send(300, 40)
    await settled({ bronze: 411 })
    assert.equal((await reset('silver', TOPIC, '--to-latest')).code, 0)
    await command('resume', 'silver')
    await until('the group’s offsets', () => isLevel('silver'))
    const now = await progress('bronze')
    assert.deepEqual(
      (await ledger('silver')).gaps,
      [0, 1].map((partition) => ({ partition, from: ends[partition], to: now[partition], reason: 'skipped' })),
    )
    assert.deepEqual(await rows('silver'), silver)
    await replay('silver', [4, 3], TOPIC, '--shift-by', '-1')
    assert.equal((await rows('silver')).length, 352)
    assert.deepEqual(
      (await ledger('silver')).gaps,
      [0, 1].map((partition) => ({ partition, from: ends[partition], to: now[partition]! - 1, reason: 'skipped' })),
    )
    await replay('silver', [5, 4], TOPIC, '--to-earliest')
    assert.deepEqual((await ledger('silver')).gaps, [])
    assert.equal((await rows('silver')).length, 390)
  })

  await t.test('rows that a table has lost are there again where they lie in the range, and only there', async () => {
    await command('pause', 'silver')
    const whole = await rows('silver')
    await removeFiles(lake, 'silver/ratings')
    assert.deepEqual(await rows('silver'), [])
    assert.equal((await reset('silver', `${TOPIC}:0`, '--to-offset', `${middle}`)).code, 0)
    await command('resume', 'silver')
    await until('the replay', async () => String(await epochs('silver')) === '6,4' && (await isLevel('silver')), 120_000)
    const isInRange = (row: string) => {
      const { _partition, _offset } = JSON.parse(row) as { _partition: number; _offset: number }
      return _partition === 0 && _offset >= middle
    }
    assert.deepEqual(await rows('silver'), whole.filter(isInRange))
    await replay('silver', [7, 5], TOPIC, '--to-earliest')
    assert.deepEqual(await rows('silver'), whole)
    assert.deepEqual((await readTableLedger(lake, 'silver/books')).replays, [], 'other tables of the group are as they were')
  })
})

test('the same with a stack and a consume of one’s own', { skip }, async (t) => {
  const data = `${await tempDir(t)}/data`
  await startStackCommand(t, data)
  const lake = `file:${data}/lake`
  const run = async (...args: string[]) => {
    const { code, stdout, stderr } = await readflow([...args])
    assert.equal(code, 0, stdout + stderr)
  }
  const told = ['--data', data]
  await run('poll', ...told, '--once', '--partitions', '1', '--source', 'synthetic:ratings=300,seed=1')
  await run('consume', ...told, '--once')
  const silver = await contents(lake, 'silver/ratings')
  assert.equal(silver.length, 300)
  const group = ['--group', 'readflow.silver', '--topic', TOPIC]
  await run('kafka-tool', ...told, 'consumer-groups', '--reset-offsets', ...group, '--to-offset', '100', '--execute')
  await run('consume', ...told, '--once')
  assert.deepEqual(await contents(lake, 'silver/ratings'), silver)
  assert.deepEqual((await readTableLedger(lake, 'silver/ratings')).replays, [[{ partition: 0, from: 100, until: 300 }]])
  assert.deepEqual((await readTableLedger(lake, 'bronze/ratings')).replays, [])
  const paused = await readflow(['pause', 'silver', ...told])
  assert.equal(paused.code, 2)
  assert.match(
    paused.stderr,
    /^pause: A stack runs on .*, and no up\. It has no stages: stop the readflow consume that uses it instead\.\n$/,
  )
})
