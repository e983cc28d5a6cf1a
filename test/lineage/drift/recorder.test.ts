import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openMemoryStore } from '../../../lake/store/memory.ts'
import type { ObjectStore } from '../../../lake/store/store.ts'
import { type Drift, driftId, driftLine, sampleOf } from '../../../lineage/drift/drift.ts'
import { driftHeader, namesInHeader } from '../../../lineage/drift/header.ts'
import { openDrift } from '../../../lineage/drift/open.ts'
import { ReadflowError } from '../../../runtime/errors.ts'
import { createLog } from '../../../runtime/log.ts'

const log = createLog('test', 'silent')
const drift: Drift = {
  entity: 'books',
  field: 'awards',
  kind: 'appeared',
  place: 'source',
  policy: 'evolve',
  before: null,
  after: 'string',
  sample: 'Hugo',
  foundMs: 1000,
  source: 'test',
  pollId: 'p',
  requestId: 'r',
  topic: null,
  partition: null,
  offset: null,
  schemaId: null,
}
const fieldsOf = async (store: ObjectStore) => (await openDrift({ store, log }).read()).map(({ field }) => field)

test('a finding is on record once, whoever finds it again: the same process, another one, one after a restart', async () => {
  const store = openMemoryStore()
  const [one, other] = [openDrift({ store, log }), openDrift({ store, log })]
  for (const drifts of [one, other, one]) drifts.record(drift)
  one.record({ ...drift, field: 'series' })
  other.record({ ...drift, field: 'motto', foundMs: 2000 })
  await Promise.all([one.close(), other.close()])
  const after = openDrift({ store, log })
  after.record({ ...drift, pollId: 'another', foundMs: 9000, policy: 'freeze', sample: 'Nebula' })
  await after.close()
  assert.deepEqual((await fieldsOf(store)).sort(), ['awards', 'motto', 'series'])
  const [newest, ...older] = await after.read()
  assert.equal(newest?.field, 'motto')
  assert.deepEqual(
    older.find(({ field }) => field === 'awards'),
    { ...drift, id: driftId(drift) },
    'as it was found first',
  )
})

test('the same field of another kind, type, source or place is another finding; what vanished again is one too', () => {
  const others: Partial<Drift>[] = [{}, { kind: 'vanished' }, { after: 'long' }, { source: 'x' }, { place: 'schema' }, { times: 1 }]
  assert.equal(new Set(others.map((rest) => driftId({ ...drift, ...rest }))).size, others.length)
})

test('who puts a finding on record is told of it, nobody else', async () => {
  const store = openMemoryStore()
  const told: string[] = []
  for (const name of ['one', 'other']) {
    const drifts = openDrift({ store, log, onRecorded: ({ field }) => told.push(`${name} ${field}`) })
    drifts.record(drift)
    await drifts.close()
  }
  assert.deepEqual(told, ['one awards'])
})

test('a finding in a line: what, from what to what, and a value; no control character gets through', () => {
  const lines: [Partial<Drift>, string][] = [
    [{}, 'books.awards is new (string), such as "Hugo"; it is taken in'],
    [{ kind: 'vanished', before: 'long', after: null, sample: null }, 'books.awards has vanished (it was long)'],
    [
      { kind: 'type-changed', before: 'long', after: 'string', policy: 'freeze' },
      'books.awards is string, and was long, such as "Hugo"; records with it are dead letters of Silver',
    ],
    [
      { field: 'a\u001b[2Jb', sample: 'x\n\u009by', policy: 'discard' },
      'books."a\\u001b[2Jb" is new (string), such as "x\\n\\u009by"; it is left out',
    ],
  ]
  for (const [rest, line] of lines) assert.equal(driftLine({ ...drift, ...rest }), `schema drift: ${line}`)
})

test('a lake that is away loses no finding', async () => {
  const memory = openMemoryStore()
  let isAway = true
  const store: ObjectStore = {
    ...memory,
    putIfAbsent: async (path, bytes) => {
      if (isAway) throw new ReadflowError('lake-unavailable', 'the store is away')
      return memory.putIfAbsent(path, bytes)
    },
  }
  const drifts = openDrift({ store, log })
  drifts.record(drift)
  assert.equal(await drifts.settled(), false)
  isAway = false
  await drifts.close()
  assert.deepEqual(await fieldsOf(store), ['awards'])
})

test('a sample is cut, and a header that somebody else wrote holds no names', () => {
  assert.equal(sampleOf('x'.repeat(1000))?.length, 201)
  assert.equal(sampleOf({ a: 1n }), '{"a":"1"}')
  assert.equal(sampleOf(null), null)
  assert.deepEqual(namesInHeader(Buffer.from(driftHeader(['a', 'b,c']))), ['a', 'b,c'])
  for (const header of ['', 'x', '{"a":1}', '[1]']) assert.deepEqual(namesInHeader(Buffer.from(header)), [])
})
