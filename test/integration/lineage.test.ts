import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { rm } from 'node:fs/promises'
import path from 'node:path'
import { test } from 'node:test'
import { openTable } from '../../lake/delta/table.ts'
import { openStore } from '../../lake/store/open.ts'
import { RUNS_ROOT, readNewestDays } from '../../lineage/runs/read.ts'
import type { Run } from '../../lineage/runs/run.ts'
import { openKafka } from '../../runtime/kafka/client.ts'
import { createLog } from '../../runtime/log.ts'
import { readRunFile } from '../../runtime/run-file.ts'
import { RUNS_TOPIC } from '../../schemas/topics.ts'
import { readTopic } from '../faults/helpers/read-topic.ts'
import { stackSkip } from '../helpers/stack.ts'
import { readRows } from '../helpers/tables.ts'
import { lastJson, readflow, root, startStackCommand, tempDir, until } from '../helpers/up.ts'

const skip = await stackSkip()

test('a pipeline whose poll and build are killed: every run is on record and on the topic, and rows lead back to the source', {
  skip,
}, async (t) => {
  const dir = await tempDir(t)
  const lake = `file:${path.join(dir, 'lake')}`
  await startStackCommand(t, dir)
  const runs = async (): Promise<Run[]> => {
    const table = openTable(openStore(lake), RUNS_ROOT)
    return readNewestDays(table, await table.snapshot(), 2)
  }
  const said: string[] = []
  const once = async (program: string) => {
    const finished = await readflow([program, '--once', '--data', dir])
    assert.equal(finished.code, 0, finished.stderr)
    said.push(...finished.stderr.split('\n').filter((line) => line.startsWith('{')))
    return lastJson(finished)
  }
  /** Starts a program, and ends it by kill -9 once its run is on record. */
  const killed = async (program: string, kind: Run['kind']) => {
    const child = spawn(process.execPath, [path.join(root, 'bin/readflow.mjs'), program, '--once', '--data', dir], { stdio: 'ignore' })
    const closed = new Promise((resolve) => child.once('close', resolve))
    const run = await until(`a ${kind} to begin`, async () => (await runs()).find((each) => each.kind === kind && each.state === 'started'))
    process.kill(run.pid, 'SIGKILL')
    await closed
    return run.runId
  }

  const killedPoll = await killed('poll', 'poll')
  await once('poll')
  await once('consume')
  const killedBuild = await killed('compact', 'build')
  await once('compact')

  const found = await runs()
  const stateOf = (kind: string) => found.filter((run) => run.kind === kind).map(({ runId, state, attempt }) => ({ runId, state, attempt }))
  const poll = found.find(({ kind, state }) => kind === 'poll' && state === 'completed')
  const build = found.find(({ kind, state }) => kind === 'build' && state === 'completed')
  assert.ok(poll && build)
  assert.deepEqual(stateOf('poll'), [
    { runId: poll.runId, state: 'completed', attempt: 2 },
    { runId: killedPoll, state: 'aborted', attempt: 1 },
  ])
  assert.deepEqual(stateOf('build'), [
    { runId: build.runId, state: 'completed', attempt: 2 },
    { runId: killedBuild, state: 'aborted', attempt: 1 },
  ])
  assert.equal(build.counts['gold_version'], 0)
  const goldBooks = await readRows(lake, 'gold/dim_book', ['book_id', 'book_sk', 'is_placeholder'])
  assert.equal(build.outputs.find(({ name }) => name === 'gold.dim_book')?.rows, goldBooks.length)

  const { brokers } = readRunFile(dir) ?? assert.fail('the stack says where it is')
  const client = await openKafka({ brokers, clientId: 'test', log: createLog('test', 'error') })
  t.after(() => client.close())
  const kafka = { client, stack: { brokers } }
  const events = (await readTopic(kafka, RUNS_TOPIC)).map(({ key, value }) => ({ key: String(key), event: JSON.parse(String(value)) }))
  const typesOf = (id: string) => [...new Set(events.filter(({ key }) => key === id).map(({ event }) => event.eventType))]
  assert.deepEqual(
    [poll, build].map(({ runId }) => typesOf(runId)),
    [
      ['START', 'COMPLETE'],
      ['START', 'COMPLETE'],
    ],
  )
  assert.deepEqual([killedPoll, killedBuild].map(typesOf), [
    ['START', 'ABORT'],
    ['START', 'ABORT'],
  ])
  for (const { key, event } of events) assert.equal(event.run.runId, key)

  // What Kafka itself has at the place that lineage names.
  const topics = new Map<string, ReturnType<typeof readTopic>>()
  const recordAt = async ({ topic, partition, offset }: { topic: string; partition: number; offset: number }) => {
    const messages = topics.get(topic) ?? readTopic(kafka, topic)
    topics.set(topic, messages)
    return (await messages).find((each) => each.partition === partition && each.offset === offset)
  }
  const lineage = async (table: string, key: string) => {
    const finished = await readflow(['lineage', table, key, '--json', '--data', dir])
    assert.equal(finished.code, 0, finished.stderr)
    return JSON.parse(finished.stdout)
  }

  const ratings = await readRows(lake, 'gold/fact_rating', ['rating_key', 'review_id', 'book_sk', 'ingestion_timestamp'])
  const rating = ratings[Math.floor(ratings.length / 2)]!
  const ofRating = await lineage('gold.fact_rating', String(rating['rating_key']))
  assert.deepEqual([ofRating.gold.version, ofRating.gold.build.run_id, ofRating.rows.length], [0, build.runId, 1])
  const { origin, place, joins } = ofRating.rows[0]
  assert.deepEqual([place.table, place.version, place.added_by.version, place.added_by.run_id], ['gold.fact_rating', 0, 0, build.runId])
  assert.equal(joins[0].table, 'gold.dim_book')
  assert.equal(goldBooks.find(({ book_sk }) => book_sk === rating['book_sk'])?.['book_id'], joins[0].row.book_id)
  assert.deepEqual(origin.notes, [])
  const record = await recordAt(origin.record)
  assert.equal(String(record?.key), rating['rating_key'])
  assert.equal(record?.headers.get('readflow.poll-id'), origin.poll_id)
  assert.equal(record?.headers.get('readflow.request-id'), origin.request_id)
  assert.equal(Date.parse(origin.record.timestamp), rating['ingestion_timestamp'])
  const lines = said.map((line) => JSON.parse(line))
  const { topic, partition, offset } = origin.record
  const isIn = (range: { partition: number; from_offset: number; to_offset: number }) =>
    range.partition === partition && range.from_offset <= offset && offset < range.to_offset
  const flushes = lines.filter((line) => line.topic === topic && line.ranges?.some(isIn) && line.poll_ids?.includes(origin.poll_id))
  assert.deepEqual(flushes.map(({ table }) => table).sort(), ['bronze.ratings', 'silver.ratings'], 'the flushes that committed it')
  const polls = lines.filter(({ poll_id }) => poll_id === poll.runId).map(({ msg }) => msg)
  assert.ok(polls.includes('poll started') && polls.includes('poll done'), 'what the poll said')
  assert.ok([poll.runId, killedPoll].includes(origin.poll.run_id), 'the poll is on record')
  const response = await recordAt(origin.request)
  assert.equal(String(response?.key), origin.request_id)
  assert.ok(response?.value?.includes(String(rating['review_id'])), 'the response that the rating came in')
  assert.match(origin.request.url, /\/review\/list\//)
  assert.equal(origin.request.status, 200)

  const book = goldBooks.find(({ is_placeholder }) => !is_placeholder)!
  const byKey = await lineage('gold.dim_book', String(book['book_id']))
  const ofBook = await lineage('gold.dim_book', String(book['book_sk']))
  assert.ok(byKey.rows.some(({ row }: { row: Record<string, unknown> }) => row['book_sk'] === book['book_sk']))
  assert.deepEqual([ofBook.rows.length, ofBook.rows[0].row.book_sk], [1, book['book_sk']])
  const bookRecord = await recordAt(ofBook.rows[0].origin.record)
  assert.equal(String(bookRecord?.key), book['book_id'])
  assert.equal(String((await recordAt(ofBook.rows[0].origin.request))?.key), ofBook.rows[0].origin.request_id)

  const people = await readflow(['lineage', 'gold.fact_rating', String(rating['rating_key']), '--data', dir])
  assert.match(people.stdout, new RegExp(`kafka +goodreads.ratings partition ${origin.record.partition} offset ${origin.record.offset},`))

  // Links that are gone are told, and the rest stays.
  await rm(path.join(dir, 'lake', origin.request.file))
  await rm(path.join(dir, 'lake', origin.silver.file))
  const cut = await lineage('gold.fact_rating', String(rating['rating_key']))
  assert.equal(cut.rows[0].place.file, place.file)
  assert.equal(cut.rows[0].origin.silver, null)
  assert.match(cut.rows[0].origin.notes.join(' '), /silver\.ratings/)
  const stillBook = await lineage('silver.books', String(book['book_id']))
  assert.ok(stillBook.rows.length > 0)
})

test('lineage says in one line what is wrong with what it was asked', async (t) => {
  const dir = await tempDir(t)
  for (const [args, code, line] of [
    [['gold.dim_book'], 2, /^lineage: A table and a key must be named/],
    [['gold.dim_bock', '1'], 2, /^lineage: 'gold\.dim_bock' is no table whose rows can be traced\. Tables: gold\./],
    [['gold.dim_book', '1'], 1, /^lineage: No Gold is published yet\.$/],
    [['silver.books', '1'], 1, /^lineage: silver\.books has no row with the key "1" in version -1\.$/],
    [['silver.books', '1', '--version', '3'], 1, /^lineage: silver\.books has no version 3, or none any more\.$/],
    [['gold.dim_book', '1', '--version', 'x'], 2, /^lineage: --version: 'x' is not a whole number/],
  ] as const) {
    const result = await readflow(['lineage', ...args, '--data', dir])
    assert.deepEqual([result.code, result.stdout], [code, ''], result.stderr)
    assert.match(result.stderr.trimEnd(), line)
    assert.equal(result.stderr.trim().split('\n').length, 1)
  }
})
