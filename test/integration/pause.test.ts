import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readRunFile } from '../../runtime/run-file.ts'
import type { UpStatus } from '../../runtime/up-status.ts'
import { writeGoodbooks } from '../helpers/goodbooks.ts'
import { openRatings } from '../helpers/ratings.ts'
import { stackSkip } from '../helpers/stack.ts'
import { readRows } from '../helpers/tables.ts'
import { childOf, lastJson, readflow, startUp, tempDir, until } from '../helpers/up.ts'

const skip = await stackSkip()
const FIRST = 100

test('stages of a running up are paused and resumed, each by itself', { skip }, async (t) => {
  const dir = `${await tempDir(t)}/a folder`
  const source = await writeGoodbooks(`${dir}/goodbooks`, { books: 10, ratings: FIRST })
  const data = ['--data', `${dir}/data`]
  const lake = `file:${dir}/data/lake`
  const quick = ['--flush-interval', '500ms', '--build-interval', '500ms']
  const up = await startUp(t, [...data, '--source', `dataset:${source}`, ...quick, '--paused', 'gold'])
  const run = readRunFile(`${dir}/data`)
  assert.ok(run)
  assert.deepEqual(run.brokers, [up.brokers])
  const ratings = await openRatings(run)
  t.after(ratings.close)
  const members = (stage: string) => ratings.client.groupMembers(`readflow.${stage}`)
  const rows = async (table: string) => (await readRows(lake, `${table}/ratings`, ['_offset'])).length
  const status = async () => (await (await fetch(`${up.url}/v1/status`)).json()) as { up: UpStatus; gold: object | null }
  const stages = async () => Object.fromEntries((await status()).up.stages.map(({ name, state }) => [name, state]))
  const command = async (verb: string, stage: string, ...more: string[]) => readflow([verb, stage, ...data, ...more])
  let sent = FIRST
  const send = async (count: number) => {
    await ratings.send(sent, count)
    sent += count
  }
  await until('the source in both tables', async () => (await rows('bronze')) === sent && (await rows('silver')) === sent)

  await t.test('gold started paused: nothing is built until it is resumed', async () => {
    assert.deepEqual(await stages(), {
      poll: 'running',
      bronze: 'running',
      silver: 'running',
      clean: 'running',
      gold: 'paused',
      optimize: 'running',
      vacuum: 'running',
    })
    assert.equal((await status()).gold, null)
    assert.deepEqual(lastJson(await command('resume', 'gold', '--json')), {
      ok: true,
      stage: 'gold',
      state: 'running',
      changed: true,
      group: null,
    })
    await until('gold', async () => (await status()).gold)
  })

  await t.test('a paused silver has left its group, while bronze goes on in the same process', async () => {
    const paused = await command('pause', 'silver')
    assert.equal(paused.code, 0, paused.stderr)
    assert.equal(paused.stdout, 'silver is paused; its group readflow.silver is idle.\n')
    assert.equal(await members('silver'), 0)
    assert.equal(await members('bronze'), 1)
    for (const { lag } of await ratings.client.groupLag('readflow.silver', ['goodreads.ratings'])) assert.equal(lag, 0)
    assert.equal((await stages())['silver'], 'paused')
    const again = await command('pause', 'silver')
    assert.deepEqual([again.code, again.stdout], [0, 'silver was paused already; its group readflow.silver is idle.\n'])
    await send(10)
    await until('bronze to go on', async () => (await rows('bronze')) === sent)
    assert.equal(await rows('silver'), sent - 10)
  })

  await t.test('it stays paused when its process is killed', async () => {
    const before = childOf(run.pid, 'consumers/main.ts')
    process.kill(before, 'SIGKILL')
    await until('another consumer', async () => childOf(run.pid, 'consumers/main.ts') !== before && (await stages())['silver'] === 'paused')
    await send(10)
    await until('bronze to go on', async () => (await rows('bronze')) === sent)
    assert.equal(await members('silver'), 0)
    assert.equal(await rows('silver'), sent - 20)
  })

  await t.test('resumed, it goes on where it was', async () => {
    const resumed = await command('resume', 'silver')
    assert.deepEqual([resumed.code, resumed.stdout], [0, 'silver runs again.\n'])
    await until('silver to catch up', async () => (await rows('silver')) === sent)
    assert.equal((await command('resume', 'silver')).stdout, 'silver runs, and was not paused.\n')
  })

  await t.test('a paused clean has left its group, and goes on where Silver is when it is resumed', async () => {
    const published = async () => (await ratings.client.groupLag('readflow.clean', ['goodreads.ratings'])).every(({ lag }) => lag === 0)
    await until('what Silver has in the clean topic', published)
    assert.equal((await command('pause', 'clean')).stdout, 'clean is paused; its group readflow.clean is idle.\n')
    await send(10)
    await until('silver to go on', async () => (await rows('silver')) === sent)
    assert.equal(await published(), false)
    assert.equal((await command('resume', 'clean')).stdout, 'clean runs again.\n')
    await until('clean to catch up', published)
  })

  await t.test('another consumer in the group: paused, yet the group is not idle', async () => {
    const other = ratings.client.kafka.consumer({ groupId: 'readflow.silver' })
    await other.connect()
    await other.subscribe({ topic: 'goodreads.ratings' })
    await other.run({ autoCommit: false, eachMessage: async () => undefined })
    await until('it to be a member', async () => (await members('silver')) === 2)
    const { code, stderr } = await command('pause', 'silver', '--timeout', '20s')
    await other.disconnect()
    assert.equal(code, 1)
    assert.match(
      stderr,
      /^pause: Not done within 20 s: silver is paused, but its group readflow\.silver still has 1 member, so that its offsets can not be reset\. Stop the other readflow consume too\.\n$/,
    )
    assert.equal((await command('pause', 'silver')).code, 0)
    assert.equal((await command('resume', 'silver')).code, 0)
  })

  await t.test('a paused poll that is resumed does not read its source again', async () => {
    assert.equal((await command('pause', 'poll')).stdout, 'poll is paused.\n')
    assert.equal((await command('resume', 'poll')).code, 0)
    await send(10)
    await until('bronze to go on', async () => (await rows('bronze')) >= sent)
    assert.equal(await rows('bronze'), sent)
  })

  await t.test('a consumer that can not stop: one line when the time is over, and paused once it can', async () => {
    const consumer = childOf(run.pid, 'consumers/main.ts')
    process.kill(consumer, 'SIGSTOP')
    const late = await command('pause', 'bronze', '--timeout', '1s')
    process.kill(consumer, 'SIGCONT')
    assert.equal(late.code, 1)
    assert.match(
      late.stderr,
      /^pause: Not done within 1 s: bronze is asked to pause\. It is done as soon as it can be, see .*consume\.log; readflow resume bronze takes it back\.\n$/,
    )
    await until('bronze to be paused', async () => (await stages())['bronze'] === 'paused')
    assert.equal((await command('pause', 'bronze')).code, 0)
    assert.equal((await command('resume', 'bronze')).code, 0)
  })

  await t.test('up dies while a pause waits: one line', async () => {
    const consumer = childOf(run.pid, 'consumers/main.ts')
    process.kill(consumer, 'SIGSTOP')
    const pausing = command('pause', 'silver')
    await until('the pause to be asked for', async () => (await stages())['silver'] === 'pausing')
    process.kill(run.pid, 'SIGKILL')
    process.kill(consumer, 'SIGCONT')
    const { code, stderr } = await pausing
    assert.equal(code, 1)
    assert.match(stderr, new RegExp(`^pause: up \\(process ${run.pid}\\) stopped, or does not answer any more\\.\\n$`))
    const none = await command('pause', 'silver')
    assert.equal(none.code, 2)
    assert.equal(none.stderr, `pause: No up runs on ${dir}/data. Name the folder of one that runs with --data DIR.\n`)
  })
})
