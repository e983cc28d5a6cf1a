import assert from 'node:assert/strict'
import { test } from 'node:test'
import { randomFrom } from '../../producers/sandbox/random.ts'
import { type Checked, compareEntity, compareTotals, goldFaults } from './compare.ts'
import type { Found } from './found.ts'
import { createModel, payloadOf } from './model.ts'

const ids = { books: 1, authors: 2, reviews: 3, ratings: 4 }
const { next } = createModel(ids, randomFrom(4))
const sent = Array.from({ length: 3000 }, next)
const own = sent.filter(({ entity }) => entity === 'books')

/** What a pipeline makes of it that does all right, with every tenth record in Kafka twice. */
const perfect = (): Found => {
  const source = own
    .flatMap((record, index) => (index % 10 === 0 ? [record, { ...record, isCopy: true }] : [record]))
    .map((record, index) => ({ record, at: `0/${index}` }))
  const isFirst = ({ record }: (typeof source)[number]) => !('isCopy' in record)
  const kept = source.filter((each) => isFirst(each) && ['valid', 'late'].includes(each.record.fate))
  return {
    source: source.map(({ record, at }) => ({
      ...{ at, key: record.key, value: record.value },
      headers: new Map([['soak.id', record.id]]),
    })),
    bronze: source.map(({ at }) => at),
    silver: kept.map(({ record: { key, orderMs, fate }, at }) => ({
      ...{ at, key: key!, orderMs: orderMs ?? Date.now(), hash: '', isDeleted: orderMs === null, isLate: fate === 'late' },
      payload: orderMs === null ? null : payloadOf('books', orderMs),
    })),
    dead: new Set(source.filter(({ record }) => record.fate === 'dead').map(({ at }) => at)),
    clean: kept.filter(({ record }) => record.fate === 'valid').map(({ record: { key, orderMs } }) => ({ key: key!, orderMs })),
  }
}
const failing = (change: (found: Found) => void): string[] => {
  const found = perfect()
  change(found)
  return compareEntity('books', sent, found)
    .filter(({ faults }) => faults.length > 0)
    .map(({ what }) => what.replace('books: ', ''))
}

test('what a right pipeline makes of the load holds, copies in Kafka included', () => {
  assert.deepEqual(
    failing(() => {}),
    [],
  )
  assert.ok(compareEntity('books', sent, perfect()).every(({ count }: Checked) => count > 10))
})

test('each kind of loss, doubling and change is found, and by the check that is for it', () => {
  const lost = 'acknowledged records are in Kafka'
  const bronze = 'Bronze has every offset once'
  const history = 'Silver has every version once'
  const current = 'current row of each key'
  const clean = 'clean topic, each change once and in order'
  assert.deepEqual(
    failing(({ bronze: rows }) => rows.pop()),
    [bronze],
  )
  assert.deepEqual(
    failing(({ bronze: rows }) => rows.push(rows[0]!)),
    [bronze],
  )
  assert.deepEqual(
    failing(({ silver }) => silver.push(silver[0]!)),
    [history],
  )
  assert.deepEqual(
    failing(({ silver }) =>
      silver.splice(
        silver.findIndex(({ isLate }) => isLate),
        1,
      ),
    ),
    [history],
  )
  assert.deepEqual(
    failing(({ silver }) =>
      silver.splice(
        silver.findIndex(({ isDeleted }) => isDeleted),
        1,
      ),
    ),
    [history, current],
  )
  assert.deepEqual(
    failing(({ silver }) => Object.assign(silver[3]!, { payload: 'another' })),
    [history],
  )
  assert.deepEqual(
    failing(({ dead }) => dead.delete([...dead][0]!)),
    ['dead letters'],
  )
  assert.deepEqual(
    failing(({ dead, silver }) => dead.add(silver[0]!.at)),
    ['dead letters', 'no record both accepted and refused'],
  )
  assert.deepEqual(
    failing(({ clean: got }) => got.push(got[0]!)),
    [clean],
  )
  assert.deepEqual(
    failing(({ clean: got }) => got.reverse()),
    [clean],
  )
  assert.deepEqual(
    failing((found) => Object.assign(found, { source: found.source.slice(0, -3), bronze: found.bronze.slice(0, -3) })).at(0),
    lost,
  )
})

test("Gold's keys and the counts of verify", () => {
  const found = perfect()
  const live = [...new Set(found.silver.map(({ key }) => key))].filter(
    (key) => !found.silver.some((row) => row.key === key && row.isDeleted),
  )
  assert.deepEqual(goldFaults('books', sent, [...live, '17']).faults, [], 'a key of the sandbox is none of ours')
  assert.match(goldFaults('books', sent, live.slice(1)).faults.join(), /is missing/)
  assert.match(goldFaults('books', sent, [...live, live[0]!]).faults.join(), /is there twice/)
  const totals = { delivered: found.source.length, valid: found.silver.length, deadLetters: found.dead.size }
  const repeats = totals.delivered - totals.valid - totals.deadLetters
  assert.deepEqual(compareTotals('books', found, { ...totals, repeats }).faults, [])
  assert.match(compareTotals('books', found, { ...totals, repeats: repeats + 1 }).faults.join(), /repeats: verify says/)
})
