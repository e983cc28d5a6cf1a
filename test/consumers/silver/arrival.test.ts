import assert from 'node:assert/strict'
import { test } from 'node:test'
import { arrivalMsOf } from '../../../consumers/silver/arrival.ts'
import { deadLetter } from '../../../consumers/silver/dead-letter.ts'

const headers = (of: Record<string, string>): [string, Buffer][] => Object.entries(of).map(([name, value]) => [name, Buffer.from(value)])
const arrival = (of: Record<string, string>) => arrivalMsOf({ timestampMs: 1000, headers: headers(of) })

test('a record that is sent again counts from its first arrival; what only looks so counts from its own', () => {
  const redrive = { 'readflow.redrive-of': 'T/0/5', 'readflow.timestamp': '400' }
  assert.equal(arrival(redrive), 400)
  assert.equal(arrival({}), 1000)
  assert.equal(arrival({ ...redrive, 'readflow.timestamp': '99999' }), 1000, 'never after its own')
  assert.equal(arrival({ 'readflow.timestamp': '400' }), 1000, 'a letter that somebody copied by hand')
  for (const origin of ['', 'T/0', 'T/0/5/6', 'T/0/x', 'T/0/5 '])
    assert.equal(arrival({ ...redrive, 'readflow.redrive-of': origin }), 1000, origin)
  for (const at of ['', '-1', '4e2', '400.0', 'then', ' 400']) assert.equal(arrival({ ...redrive, 'readflow.timestamp': at }), 1000, at)
})

test('a letter keeps the headers of its record, several of one name too, and when it arrived first', () => {
  const record = {
    ...{ offset: 7, timestampMs: 1000, isLogAppendTime: true, key: Buffer.from('k'), value: null },
    headers: [
      ...headers({ 'readflow.poll-id': 'p', 'readflow.redrive-of': 'T/0/5', 'readflow.timestamp': '400', 'readflow.attempt': '2' }),
      ...headers({ tag: 'a' }),
      ...headers({ tag: 'b' }),
      ['none', null] as [string, null],
    ],
  }
  const input = { topic: 'goodreads.books', topicId: 'T', partition: 0, records: [], fromOffset: 7, nextOffset: 8, undelivered: 0 }
  const { headers: kept = {} } = deadLetter('goodreads.books.dlq', record, input, { errorClass: 'r', message: 'm', schemaId: null })
  assert.deepEqual(kept['tag'], [Buffer.from('a'), Buffer.from('b')])
  assert.deepEqual([String(kept['readflow.poll-id']), String(kept['readflow.redrive-of']), kept['none']], ['p', 'T/0/5', ''])
  assert.deepEqual([kept['readflow.attempt'], kept['readflow.timestamp'], kept['readflow.offset']], ['3', '400', '7'])
})
