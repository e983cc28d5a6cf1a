import assert from 'node:assert/strict'
import { test } from 'node:test'
import { commit } from '../../lake/delta/commit.ts'
import { openTable } from '../../lake/delta/table.ts'
import { openStore } from '../../lake/store/open.ts'
import { openBackfillInbox } from '../../lineage/backfill/inbox.ts'
import { checkClock } from '../../ops/doctor/kafka.ts'
import { findLeftover } from '../../ops/stack/pid-file.ts'
import { openKafka } from '../../runtime/kafka/client.ts'
import { createLog } from '../../runtime/log.ts'
import { readRunFile } from '../../runtime/run-file.ts'
import { stackSkip } from '../helpers/stack.ts'
import { childOf, lastJson, readflow, startUp, tempDir, until } from '../helpers/up.ts'
import { openWorld, type WorldReview } from '../producers/goodreads/world.ts'

const skip = await stackSkip()
const DAY_MS = 86_400_000
const SECRET = 'sesame-open-now-0123'
const day = (daysAgo: number) => new Date(Date.now() - daysAgo * DAY_MS).toISOString().slice(0, 10)

/** One review a day of one reader, from yesterday back. */
const reviews: WorldReview[] = Array.from({ length: 7 }, (_, index) => ({
  id: index + 1,
  user: 1,
  book: index + 1,
  updatedMs: Date.now() - (index + 1) * DAY_MS,
}))

test('the person on call sees what is wrong, mends it by one command, and fills past days', { skip }, async (t) => {
  const { world, baseUrl, asked } = await openWorld(t, { reviews, recent: [1] })
  const dir = `${await tempDir(t)}/a folder`
  process.env['GOODREADS_API_KEY'] = SECRET
  t.after(() => delete process.env['GOODREADS_API_KEY'])
  const quick = [
    '--flush-interval',
    '1s',
    '--build-interval',
    '1s',
    '--optimize-interval',
    '0s',
    '--poll-interval',
    '2h',
    '--partitions',
    '1',
  ]
  const data = ['--data', dir]
  const up = await startUp(t, [...data, '--source', `goodreads-api:${baseUrl}`, '--users', '1', ...quick])
  // biome-ignore lint/suspicious/noExplicitAny: answers of many shapes
  const ask = async (route: string, init: RequestInit = {}): Promise<{ status: number; body: any }> => {
    const response = await fetch(`${up.url}${route}`, init)
    return { status: response.status, body: await response.json() }
  }
  const post = (route: string, headers: Record<string, string> = {}) => ask(route, { method: 'POST', headers })
  const stageOf = async (name: string) => (await ask(`/v1/stages/${name}`)).body
  const status = async (...more: string[]) => {
    const finished = await readflow(['status', '--json', ...data, '--freshness-objective', '10m', ...more])
    return { code: finished.code, ...lastJson(finished) }
  }
  await until('the first Gold with ratings', async () => (await ask('/v1/status')).body.gold?.counts.ratings >= 7, 180_000)

  await t.test('all is well: stages, lag, freshness, Gold', async () => {
    const well = await until('all to be well', async () => {
      const now = await status()
      return now.code === 0 && now.freshness.behind_seconds === 0 && now
    })
    assert.equal(well.ok, true)
    assert.deepEqual(
      well.stages.map(({ name, state }: { name: string; state: string }) => [name, state]),
      ['poll', 'bronze', 'silver', 'clean', 'gold', 'optimize', 'vacuum'].map((name) => [name, 'running']),
    )
    assert.equal(well.stages[0].runs.last.outcome, 'completed')
    assert.ok(Date.parse(well.stages[0].runs.nextAt) > Date.now() + 3_600_000)
    assert.ok(well.gold.version >= 0)
    assert.equal(well.lag.length, 13)
    const shown = await readflow(['status', ...data])
    assert.match(shown.stdout, /^All is well\.\n/)
  })

  await t.test('run now, by a command and by the API; of what runs by hand alone too', async () => {
    const before = asked().length
    assert.ok(before > 0)
    const ran = await readflow(['run', 'poll', '--json', ...data])
    assert.equal(ran.code, 0, ran.stderr)
    assert.equal(lastJson(ran).outcome, 'completed')
    assert.ok(asked().some((path) => path.startsWith('/review/recent_reviews')))
    const optimized = await readflow(['run', 'optimize', ...data])
    assert.match(optimized.stdout, /^optimize has run: /)
    const { ended_at: endedAt } = (await stageOf('poll')).last_run
    assert.equal((await post('/v1/stages/poll/run')).status, 202)
    await until('another poll', async () => (await stageOf('poll')).last_run.ended_at > endedAt)
    assert.equal((await post('/v1/stages/poll/run', { origin: 'http://elsewhere.example' })).status, 403)
    assert.equal((await post('/v1/stages/poll/stop')).status, 400)
    assert.equal((await readflow(['run', 'clouds', ...data])).code, 2)
  })

  await t.test('paused and resumed by the API; what is paused does not run', async () => {
    assert.equal((await post('/v1/stages/gold/pause')).status, 202)
    await until('gold to be paused', async () => (await stageOf('gold')).state === 'paused')
    assert.equal((await post('/v1/stages/gold/run')).status, 409)
    assert.match((await readflow(['run', 'gold', ...data])).stderr, /^run: gold is paused\. Let it run with: readflow resume gold\.\n$/)
    const now = await status()
    assert.deepEqual([now.code, now.findings.map(({ id }: { id: string }) => id)], [0, ['stage-paused']])
    await post('/v1/stages/gold/resume')
    await until('gold to run again', async () => (await stageOf('gold')).last_run?.outcome === 'completed')
  })

  await t.test('a stage that fails for good is told first, stops no other, and retry has it go on', async () => {
    world.instead.set('/review/recent_reviews.xml', { status: 401, body: 'Invalid API key.' })
    const failed = await readflow(['run', 'poll', ...data])
    assert.equal(failed.code, 1)
    assert.match(failed.stdout, /^poll failed: review\.recent_reviews was refused \(401/)
    await until('poll to have failed', async () => (await stageOf('poll')).state === 'failed')
    const wrong = await status()
    assert.deepEqual([wrong.code, wrong.findings[0].id], [1, 'program-failed'])
    assert.match(wrong.findings[0].todo, /readflow retry poll/)
    const { ended_at: endedAt } = (await stageOf('silver')).last_run
    await until('silver to go on', async () => (await stageOf('silver')).last_run.ended_at > endedAt)
    world.instead.clear()
    const retried = await readflow(['retry', ...data])
    assert.deepEqual([retried.code, retried.stdout.startsWith('poll has run: ')], [0, true], retried.stderr)
    assert.equal((await readflow(['retry', ...data])).stdout, 'No stage has failed.\n')
    assert.equal((await status()).code, 0)
  })

  await t.test('log lines are those of the stage, and no secret is in them', async () => {
    const { log } = await stageOf('poll')
    assert.ok(log.some(({ text }: { text: string }) => text === 'poll done'))
    assert.ok(!JSON.stringify((await ask('/v1/stages?lines=200')).body).includes(SECRET))
    const shown = await readflow(['stages', 'silver', ...data])
    assert.match(shown.stdout, /schedule: as records come, at the latest after 1s\n/)
    assert.ok(shown.stdout.includes('committed stage=silver'))
  })

  await t.test('a backfill is done by the poller, and a second one is all repeats', async () => {
    asked()
    const range = ['--from', day(5), '--to', day(3)]
    const filled = await readflow(['backfill', ...range, ...data])
    assert.equal(filled.code, 0, filled.stderr)
    assert.match(filled.stderr, /^Handed to the poller/)
    assert.match(filled.stdout, /: done: 3 of 3 days; \d+ requests; 3 reviews, 3 ratings;/)
    assert.ok(
      asked().every((path) => path.startsWith('/review/list/1.xml')),
      'books that are followed are not asked for',
    )
    const { records, state } = lastJson(await readflow(['backfill', '--status', '--json', ...data]))
    assert.deepEqual([state, records.reviews], ['done', 3])
    assert.equal((await ask('/v1/status')).body.gold.counts.ratings, 7)
    for (const [given, said] of [
      [['--from', day(3), '--to', day(5)], /is after --to/],
      [['--from', day(3), '--to', day(-2)], /still to come/],
      [['--from', '2006-12-31', '--to', day(1)], /is before GoodReads existed \(2007-01-01\)\./],
      [['--from', 'yesterday', '--to', day(1)], /is no day/],
      [[], /Which days\?/],
    ] as const) {
      const refused = await readflow(['backfill', ...given, ...data])
      assert.deepEqual([refused.code, said.test(refused.stderr)], [2, true], refused.stderr)
    }
  })

  await t.test('a backfill while poll is paused says so, and can be taken back', async () => {
    assert.equal((await readflow(['pause', 'poll', ...data])).code, 0)
    await openBackfillInbox(dir).put({ fromDay: day(5), toDay: day(3) })
    const waiting = await readflow(['backfill', '--status', ...data])
    assert.match(waiting.stdout, /: waiting: stage poll is paused; it goes on after: readflow resume poll/)
    assert.match((await readflow(['backfill', '--cancel', ...data])).stdout, /: cancelled: /)
    assert.equal((await readflow(['resume', 'poll', ...data])).code, 0)
  })

  await t.test('the doctor finds all well, and then what is not', async () => {
    const healthy = lastJson(await readflow(['doctor', '--json', ...data]))
    const failing = (of: { checks: { level: string }[] }) => of.checks.filter(({ level }) => level === 'fail')
    assert.deepEqual([healthy.ok, failing(healthy)], [true, []])
    assert.ok(!JSON.stringify(healthy).includes(SECRET))
    const client = await openKafka({ brokers: up.brokers.split(','), clientId: 'test', log: createLog('test', 'silent') })
    t.after(client.close)
    const ahead = await checkClock(client, 1, () => Date.now() - 300_000)
    assert.equal(ahead.level, 'fail')
    assert.match(ahead.what, /^the broker is .+ ahead$/)
    assert.equal((await checkClock(client, 1, () => Date.now() + 5000)).level, 'warn')
    const admin = client.kafka.admin()
    await admin.connect()
    await admin.alterConfigs({
      validateOnly: false,
      resources: [{ type: 2, name: 'goodreads.authors', configEntries: [{ name: 'cleanup.policy', value: 'compact' }] }],
    })
    await admin.disconnect()
    const stranger = client.kafka.consumer({ groupId: 'readflow.silver' })
    await stranger.connect()
    await stranger.subscribe({ topic: 'goodreads.ratings' })
    await stranger.run({ autoCommit: false, eachMessage: async () => undefined })
    await until('a stranger in the group', async () => (await client.groupMembers('readflow.silver')) === 2)
    const ill = await readflow(['doctor', ...data])
    await stranger.disconnect()
    assert.equal(ill.code, 1)
    assert.match(ill.stdout, /FAIL topic goodreads\.authors: cleanup\.policy is compact.*\n +→ readflow kafka-tool configs --alter/)
    assert.match(ill.stdout, /WARN group readflow\.silver: has members that are none of ours/)
  })

  await t.test('a replay by the API: bounds, the difference first, swapped in, taken back; what is wrong is said', async () => {
    const send = (route: string, body: object) =>
      ask(route, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) })
    const table = 'silver.ratings'
    const over = async (asked: { status: number; body: { id: string } }) => {
      assert.equal(asked.status, 202, JSON.stringify(asked.body))
      return until(
        `the job ${asked.body.id}`,
        async () => {
          const { body } = await ask(`/v1/replays/jobs/${asked.body.id}`)
          return body.state !== 'running' && body
        },
        180_000,
      )
    }
    const { body: none } = await ask('/v1/replays')
    assert.deepEqual([none.tables.includes(table), none.jobs, none.replays], [true, [], []])
    const { body: bounds } = await ask(`/v1/replays/bounds?table=${table}`)
    const [only] = bounds.partitions
    assert.deepEqual([bounds.topic, bounds.partitions.length, only.earliest.offset, only.kafka_from], ['goodreads.ratings', 1, 0, 0])
    assert.ok(only.latest.offset >= 7 && Date.parse(only.earliest.at) <= Date.parse(only.latest.at), JSON.stringify(bounds))
    for (const [route, body] of [
      ['/v1/replays', {}],
      ['/v1/replays', { table: 'gold.dim_book' }],
      ['/v1/replays', { table, from: '' }],
      ['/v1/replays', { table, partitions: [] }],
      ['/v1/replays', { table, dry: true }],
      ['/v1/replays/rollback', { table: 'ratings' }],
    ] as const)
      assert.equal((await send(route, body)).status, 400, JSON.stringify(body))
    assert.equal((await ask('/v1/replays/bounds?table=gold.dim_book')).status, 400)
    assert.equal((await ask('/v1/replays/jobs/nothing')).status, 404)
    assert.equal((await post('/v1/replays/jobs/nothing/stop')).status, 404)
    // What only the command can judge ends the job, in the command's words.
    const wrong = await send('/v1/replays', { table, from: 'yesterday' })
    assert.equal((await send('/v1/replays', { table })).status, 409)
    const refused = await over(wrong)
    assert.deepEqual([refused.state, refused.result], ['failed', null])
    assert.match(refused.detail, /^--from: 'yesterday' is no offset, no time/)

    // Rows that the table has lost: what a replay brings back.
    const silver = openTable(openStore(`file:${dir}/lake`), 'silver/ratings')
    const lost = [...(await silver.snapshot()).files.values()].slice(0, 1)
    await commit(silver, { operation: 'DELETE', removes: lost })
    const filesOf = async () => [...(await silver.snapshot()).files.keys()].sort()
    const files = await filesOf()
    const dry = await over(await send('/v1/replays', { table, dry_run: true }))
    const { added, removed, changed, samples, isDifferent } = dry.result
    assert.deepEqual([dry.state, isDifferent, removed, changed, dry.dry_run], ['done', true, 0, 0, true], JSON.stringify(dry))
    assert.ok(added > 0 && samples.length > 0 && samples[0].sign === '+')
    assert.deepEqual(await filesOf(), files)
    const swapped = await over(await send('/v1/replays', { table, from: '0', to: String(only.latest.offset), partitions: [0] }))
    assert.deepEqual([swapped.state, swapped.result.added, swapped.progress.done > 0], ['done', added, true], JSON.stringify(swapped))
    const back = await over(await send('/v1/replays/rollback', { table }))
    assert.deepEqual([back.state, back.result.of, back.result.removed], ['done', swapped.result.version, added], JSON.stringify(back))
    const nothing = await over(await send('/v1/replays/rollback', { table }))
    assert.equal(nothing.state, 'failed')
    assert.match(nothing.detail, /there is nothing to take back/)
    const { body: all } = await ask('/v1/replays')
    assert.deepEqual(
      all.replays.map(({ request, state, version }: { request: string; state: string; version: number }) => [request, state, version]),
      [
        ['rollback', 'swapped', back.result.version],
        [`--from 0 --to ${only.latest.offset} --partition 0`, 'swapped', swapped.result.version],
      ],
    )
    assert.deepEqual([all.jobs.length, all.jobs[0].verb, all.jobs.at(-1).from], [5, 'rollback', 'yesterday'])
    await until('both on record as runs, and nothing that was refused', async () => {
      const { runs } = (await ask('/v1/runs?kind=replay')).body
      const shown = runs.map(({ job, state }: { job: string; state: string }) => `${job}: ${state}`).sort()
      return String(shown) === 'replay silver.ratings: completed,rollback silver.ratings: completed'
    })
  })

  await t.test('what hangs is ended and started again by one command: a program, a server', async () => {
    const committed = async () => (await stageOf('silver')).last_run.ended_at
    const before = await committed()
    const consume = () => childOf(readRunFile(dir)?.pid ?? 0, 'consumers/main.ts')
    const hung = consume()
    process.kill(hung, 'SIGSTOP')
    const restarted = await readflow(['restart', 'consume', ...data])
    assert.deepEqual([restarted.code, restarted.stdout], [0, 'consume was ended and started again.\n'], restarted.stderr)
    assert.throws(() => process.kill(hung, 0), { code: 'ESRCH' })
    assert.notEqual(consume(), hung)

    const registry = () => findLeftover(dir, 'registry') ?? 0
    const was = registry()
    process.kill(was, 'SIGSTOP')
    const away = await status()
    assert.deepEqual([away.code, away.findings[0].id], [1, 'registry-away'])
    assert.match(away.findings[0].todo, /readflow restart registry/)
    assert.deepEqual(lastJson(await readflow(['restart', 'registry', '--json', ...data])), { ok: true, program: 'registry' })
    assert.notEqual(registry(), was)
    assert.equal((await readflow(['run', 'poll', ...data])).code, 0)
    await until('silver to commit again', async () => (await committed()) > before)
    await until('all to be well', async () => (await status()).code === 0)

    const none = await readflow(['restart', 'clouds', ...data])
    assert.deepEqual([none.code, none.stderr], [2, "restart: 'clouds' is no program: poll, consume, compact, serve, kafka, registry.\n"])
  })

  await t.test('beside programs that are run by themselves, and where nothing is known', async () => {
    const elsewhere = await tempDir(t)
    const apart = { KAFKA_BROKERS: up.brokers, LAKE_URL: `file:${dir}/lake` }
    const seen = await readflow(['status', '--json', '--data', elsewhere, '--freshness-objective', '10m'], { env: apart })
    assert.deepEqual([seen.code, lastJson(seen).stages, lastJson(seen).lag.length], [0, null, 13], seen.stdout)
    const nothing = await readflow(['status', '--data', elsewhere])
    assert.equal(nothing.code, 2)
    assert.match(nothing.stdout, /^NOT KNOWN: no up runs on this data folder/)
    const away = await readflow(['status', '--data', elsewhere], { env: { ...apart, KAFKA_BROKERS: '127.0.0.1:1' } })
    assert.equal(away.code, 1)
    assert.match(away.stdout, /^WRONG: Kafka does not answer/)
  })
})
