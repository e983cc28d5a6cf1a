import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import path from 'node:path'
import { after, before, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { createBronze } from '../../consumers/bronze/bronze.ts'
import { asked } from '../../consumers/letters/asked.ts'
import { runCommand } from '../../consumers/letters/command.ts'
import { createSilver } from '../../consumers/silver/silver.ts'
import { runSink } from '../../consumers/sink/sink.ts'
import { openStore } from '../../lake/store/open.ts'
import { emptyBook } from '../../producers/sources/empty.ts'
import { compileAvro, frameAvro } from '../../runtime/avro.ts'
import { parseConfig } from '../../runtime/config/config.ts'
import { openSecondReader, type SecondReader } from '../../runtime/kafka/second/reader.ts'
import { createLog } from '../../runtime/log.ts'
import { catalogue } from '../../schemas/catalogue.ts'
import { startTestPipeline } from '../helpers/pipeline.ts'
import { readRows } from '../helpers/tables.ts'
import { lastJson, readflow, root, until } from '../helpers/up.ts'

/** More than two transactions of a redrive. */
const MANY = 1200
/** Other work may keep the machine busy. */
const PATIENCE_MS = 240_000
const log = createLog('test', 'error')
const { topic, schema, subject } = catalogue.books
const { stack, client, producer, registry, lakeUrl, close } = await startTestPipeline({ partitions: 2 })
const store = openStore(lakeUrl)
const where = ['--brokers', stack.brokers.join(','), '--registry', stack.registryUrl, '--lake', lakeUrl, '--data', `${stack.dataDir}/data`]
let reader: SecondReader
let schemaId = 0

// biome-ignore lint/suspicious/noExplicitAny: tests read deep into answers of many shapes
type Any = any
/** What the command tells, in this process: starting one takes longer than most of what it does. */
const told = async (...args: string[]): Promise<Any> => (await run(...args)).report
const run = (...args: string[]) => runUntil(new AbortController().signal, ...args)
const runUntil = async (signal: AbortSignal, ...args: string[]) => {
  const config = parseConfig('dlq', [...args, ...where], {})!
  const deps = { config, reader, store, registry: () => registry, client: async () => client, signal, onProgress: () => undefined }
  return runCommand(deps, asked(config))
}
const record = (id: number, key: string, more: object = {}) => ({
  topic,
  key,
  value: frameAvro(id, compileAvro(schema).encode({ ...emptyBook(key), title: `Book ${key}`, ...more })),
  headers: { 'readflow.source': 'test', twice: [Buffer.from('a'), Buffer.from('b')] },
})
const drain = async (stage: 'bronze' | 'silver' = 'silver') => {
  const create = { silver: () => createSilver({ registry, store }), bronze: () => createBronze({ registry }) }
  const flush = { intervalMs: 500, maxRows: 5000, maxBytes: 1 << 24 }
  const outcomes = await runSink(
    { stage: create[stage](), store, client, producer, flush, isOnce: true, log },
    new AbortController().signal,
  )
  return outcomes['books'] ?? {}
}
/** How often each letter was sent again, as read_committed consumers see it. */
const redriven = async (): Promise<Map<string, number>> => {
  const counts = new Map<string, number>()
  const state = (await reader.topic(topic))!
  for (const { partition, logStart, end } of state.partitions)
    for await (const { records } of reader.read({ topic, topicId: state.id, partition, from: logStart, to: end }))
      for (const { headers } of records) {
        const of = headers.find(([name]) => name?.toString() === 'readflow.redrive-of')?.[1]?.toString()
        if (of !== undefined) counts.set(of, (counts.get(of) ?? 0) + 1)
      }
  return counts
}
const rows = async () => readRows(lakeUrl, 'silver/books', ['_key', '_order', '_late', 'title', 'ingestion_timestamp'])
const titlesOf = async (key: string) =>
  (await rows())
    .filter(({ _key }) => _key === key)
    .sort((a, b) => (a['_order'] as number) - (b['_order'] as number))
    .map(({ title, _late }) => [title, _late])
/** The command as a process that can be killed, with what it has said so far. */
const start = (...args: string[]): { child: ChildProcess; said: () => string; ended: Promise<number | null> } => {
  const child = spawn(process.execPath, [path.join(root, 'consumers/letters/main.ts'), ...args, ...where, '--json'], { cwd: root })
  let said = ''
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (text) => {
      said += text
    })
  return { child, said: () => said, ended: new Promise((resolve) => child.once('close', (code) => resolve(code))) }
}
const verified = async () => {
  await drain('bronze')
  const finished = await readflow(['verify', '--fields', '--json', ...where])
  const report = lastJson(finished)
  assert.equal(
    report.ok,
    true,
    JSON.stringify(report.parts.flatMap(({ partitions }: Any) => partitions.flatMap(({ faults }: Any) => faults))),
  )
  return report
}

before(async () => {
  reader = await openSecondReader({ brokers: [...stack.brokers], clientId: 'test' })
  schemaId = await registry.register(subject, schema)
})
after(async () => {
  await reader?.close()
  await store.close()
  await close()
})

test('letters are listed and shown, and what can not be done is one line', async () => {
  // No event time: the order of versions is that of their arrival, which the broker tells in milliseconds.
  for (const sent of [
    [record(schemaId, 'a', { title: 'first' })],
    [record(schemaId + 1, 'a', { title: 'second, by a schema that nobody knows' }), record(schemaId + 1, 'b')],
    [record(schemaId, 'a', { title: 'third' }), record(schemaId, 'untitled', { title: null })],
    [
      { topic, key: 'text', value: Buffer.from('no Avro') },
      { ...record(schemaId, 'none'), key: null },
    ],
  ]) {
    await producer.send(sent)
    await pause(5)
  }
  const { 'dead/unknown-schema': unknown, ...others } = await drain()
  assert.deepEqual([unknown, others], [2, { valid: 2, dead: 5, 'dead/title-missing': 1, 'dead/not-avro': 1, 'dead/null-key': 1 }])
  const list = await told('list')
  assert.equal(list.total, 5)
  assert.deepEqual(list.by_reason[0], { entity: 'books', reason: 'unknown-schema', state: 'open', letters: 2 })
  assert.equal((await told('list', '--reason', 'title-missing')).letters[0].key, 'untitled')
  assert.equal((await told('list', '--key', 'a', '--topic', topic)).total, 1)
  assert.equal((await told('list', '--entity', 'ratings')).total, 0)
  assert.equal((await told('list', '--to', '2020-01-01')).total, 0)
  await assert.rejects(runUntil(AbortSignal.abort(new Error('told to stop')), 'list'), /^Error: told to stop$/)
  const [untitled] = (await told('list', '--key', 'untitled')).letters
  const shown = await told('show', untitled.letter)
  assert.deepEqual([shown.value.book_id, shown.headers['readflow.source'], shown.attempt], ['untitled', 'test', 1])
  assert.deepEqual([shown.redrive.would_be.state, shown.redrive.would_be.reason], ['refused', 'title-missing'])
  assert.match((await run('show', untitled.letter)).text(), /^ {2}redrive {3}would be refused: title is nothing/m)
  assert.match((await run('list')).text(), /^unknown-schema {2}books {3}open {3}2$/m)
  for (const [args, line] of [
    [[], /^Say what to do: list, show, redrive or discard\./],
    [['redrive'], /^Say which letters to redrive: .*--all/],
    [['show', 'books/x'], /^'books\/x' names no letter/],
    [['redrive', 'books/x/0/1'], /^There is no dead letter books\/x\/0\/1\./],
    [['discard', '--all'], /^--why must say why/],
    [['list', '--state', 'lost'], /^--state: is one of open/],
    [['list', '--topic', 'nosuch'], /^--topic: 'nosuch' has no dead letters; .* goodreads\.books, goodreads\.authors, /],
  ] as const)
    await assert.rejects(run(...args), { code: 'config', message: line })
  for (const [args, code, line] of [
    [['redrive', '--all', '--dry-run', '--registry', 'http://127.0.0.1:1'], 1, /^dlq: .*registry/i],
    [['redrive', '--all', '--brokers', '127.0.0.1:1'], 1, /^dlq: No Kafka broker answers/],
  ] as const) {
    const finished = await readflow(['dlq', ...where, ...args])
    assert.deepEqual([finished.code, finished.stdout], [code, ''], args.join(' '))
    assert.match(finished.stderr, line)
    assert.equal(finished.stderr.trimEnd().split('\n').length, 1, finished.stderr)
  }
})

test('a dry run tells what a schema that has come since rescues, and changes nothing', async () => {
  const fields = schema.fields.map((each) => (each.name === 'title' ? { ...each, doc: 'Its title, told anew.' } : each))
  const evolved = { ...schema, fields }
  assert.equal(await registry.register(subject, evolved), schemaId + 1)
  const report = await told('redrive', '--all', '--dry-run')
  assert.equal(report.letters, 5)
  assert.deepEqual(report.outcomes, { late: 1, accepted: 1, refused: 3 })
  const rescued = report.by_reason.find(({ reason }: Any) => reason === 'unknown-schema')
  assert.deepEqual(rescued.outcomes, { late: 1, accepted: 1 })
  assert.match((await run('redrive', '--all', '--dry-run')).text(), /^5 letters would be sent again; nothing was changed\.$/m)
  assert.deepEqual([(await redriven()).size, (await told('list')).total], [0, 5])
})

test('a redrive sends the original once, in its place among the versions, and what becomes of it is kept', async () => {
  const first = await told('redrive', '--reason', 'unknown-schema')
  assert.deepEqual([first.letters, first.outcomes], [2, { pending: 2 }])
  const again = await told('redrive', '--reason', 'unknown-schema')
  assert.equal(again.letters, 0)
  const names = first.told.map(({ letter }: Any) => letter)
  assert.deepEqual((await told('redrive', ...names)).skipped, { pending: 2 })
  assert.deepEqual([...(await redriven()).values()], [1, 1])

  assert.deepEqual(await drain(), { valid: 2, late: 1 })
  assert.deepEqual(await titlesOf('a'), [
    ['first', false],
    ['second, by a schema that nobody knows', true],
    ['third', false],
  ])
  const accepted = await told('list', '--state', 'accepted')
  assert.equal(accepted.total, 2)
  assert.deepEqual(
    accepted.letters[0].attempts.map(({ attempt, outcome }: Any) => [attempt, outcome.state]),
    [[2, 'accepted']],
  )
  assert.deepEqual((await told('redrive', ...names)).skipped, { accepted: 2 })

  const refusedAgain = await told('redrive', '--key', 'untitled')
  assert.deepEqual(refusedAgain.outcomes, { pending: 1 })
  await drain()
  const open = await told('list', '--key', 'untitled')
  assert.deepEqual([open.total, open.letters[0].attempt, open.letters[0].attempts[0].outcome.reason], [1, 2, 'title-missing'])
  await told('redrive', '--key', 'untitled')
  await drain()
  const third = (await told('list', '--key', 'untitled')).letters[0]
  assert.deepEqual([third.attempt, third.letter, third.attempts.length], [3, open.letters[0].letter, 2])

  const [text] = (await told('list', '--reason', 'not-avro')).letters
  const gone = await told('discard', text.letter, '--why', 'somebody tried things out')
  assert.equal(gone.letters, 1)
  assert.equal((await told('list', '--reason', 'not-avro')).total, 0)
  const kept = (await told('list', '--state', 'discarded')).letters[0]
  assert.deepEqual([kept.letter, kept.discarded.why], [text.letter, 'somebody tried things out'])
  assert.deepEqual((await told('redrive', text.letter)).skipped, { discarded: 1 })
  assert.equal((await told('redrive', '--reason', 'not-avro', '--state', 'discarded')).letters, 1)
  await drain()
  const report = await verified()
  assert.equal(report.totals.deadLetters, 8)
})

test('nobody but a redrive sets the place of a version, and none puts it into the future', async () => {
  const times = { 'readflow.redrive-of': 'x/0/1', 'readflow.timestamp': String(Date.now() + 1e9) }
  await producer.send([
    { ...record(schemaId, 'c', { title: 'future' }), headers: times },
    {
      ...record(schemaId, 'd', { title: 'not a place' }),
      headers: { ...times, 'readflow.redrive-of': 'nothing', 'readflow.timestamp': '1' },
    },
    { ...record(schemaId, 'e', { title: 'not a time' }), headers: { ...times, 'readflow.timestamp': 'then' } },
  ])
  await drain()
  const own = (await rows()).filter(({ _key }) => ['c', 'd', 'e'].includes(_key as string))
  assert.equal(own.length, 3)
  for (const row of own) assert.equal(row['_order'], row['ingestion_timestamp'])
  await verified()
})

test('killed, stopped and asked at once, redrives send each letter once', async () => {
  const many = Array.from({ length: MANY }, (_, n) => record(schemaId + 2, `many-${n}`))
  await producer.send(many)
  await drain()
  const first = start('redrive', '--reason', 'unknown-schema')
  await until('the first transaction', async () => /500 of 1200/.test(first.said()) || first.child.exitCode !== null, PATIENCE_MS)
  first.child.kill('SIGKILL')
  await first.ended
  const second = start('redrive', '--reason', 'unknown-schema')
  await until('the next transaction', async () => /letters sent again/.test(second.said()) || second.child.exitCode !== null, PATIENCE_MS)
  second.child.kill('SIGSTOP')
  const rivals = [start('redrive', '--reason', 'unknown-schema'), start('redrive', '--all')]
  const codes = await Promise.all(rivals.map(({ ended }) => ended))
  second.child.kill('SIGCONT')
  assert.deepEqual([await second.ended, ...codes], [0, 0, 0], [second, ...rivals].map(({ said }) => said()).join('\n'))
  const counts = [...(await redriven()).values()]
  assert.equal(counts.filter((count) => count === 1).length >= MANY, true)
  const sent = (await told('list', '--state', 'pending', '--limit', '2000')).letters.filter(({ key }: Any) => key?.startsWith('many-'))
  assert.equal(sent.length, MANY)
  const byLetter = await redriven()
  for (const { letter, attempts } of sent) {
    assert.equal(attempts.length, 1)
    assert.equal(byLetter.get(letter.slice('books/'.length)), 1, letter)
  }
  await drain()
  assert.equal((await told('list', '--reason', 'unknown-schema')).total, MANY)
  await verified()
})
