import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bytesAre, type Condition, dayBetween, factsOf, longBetween, longIs, textIs, timeBetween } from '../../lineage/conditions.ts'

const at = Date.UTC(2026, 10, 23, 17, 16, 34, 623)
const file = (min: object, max: object, partitionValues: Record<string, string | null> = {}) =>
  factsOf({
    path: 'x',
    partitionValues,
    size: 1,
    modificationTime: 0,
    dataChange: true,
    stats: JSON.stringify({ numRecords: 2, minValues: min, maxValues: max }),
  })
const unknown = factsOf({ path: 'x', partitionValues: {}, size: 1, modificationTime: 0, dataChange: true })

test('a file is passed over where its bounds say that it has no such row, and only there', () => {
  const cases: [Condition, boolean[]][] = [
    [
      textIs('k', 'm'),
      [
        [{ k: 'a' }, { k: 'z' }],
        [{ k: 'm' }, { k: 'm' }],
        [{ k: 'n' }, { k: 'z' }],
        [{ k: 'a' }, { k: 'l' }],
      ],
    ],
    [
      longIs('o', 5),
      [
        [{ o: 1 }, { o: 9 }],
        [{ o: 5 }, { o: 5 }],
        [{ o: 6 }, { o: 9 }],
        [{ o: 1 }, { o: 4 }],
      ],
    ],
    [
      longBetween('o', 3, 5),
      [
        [{ o: 1 }, { o: 3 }],
        [{ o: 5 }, { o: 9 }],
        [{ o: 6 }, { o: 9 }],
        [{ o: 1 }, { o: 2 }],
      ],
    ],
    [
      timeBetween('t', at, at),
      [
        [{ t: '2026-11-23T00:00:00.000Z' }, { t: '2026-11-24T00:00:00.000Z' }],
        [{ t: '2026-11-23T17:16:34.623Z' }, { t: '2026-11-23T17:16:34.623Z' }],
        [{ t: '2026-11-23T17:16:34.700Z' }, { t: '2026-11-24T00:00:00.000Z' }],
        [{ t: '2026-11-23T00:00:00.000Z' }, { t: '2026-11-23T17:16:34.000Z' }],
      ],
    ],
  ].map(([condition, bounds]) => [
    condition as Condition,
    (bounds as [object, object][]).map(([min, max]) => (condition as Condition).mayHold(file(min, max))),
  ])
  for (const [condition, held] of cases) {
    assert.deepEqual(held, [true, true, false, false], condition.sql ?? '')
    assert.equal(condition.mayHold(unknown), true, 'what the log does not tell may be anything')
    assert.equal(condition.mayHold(file({}, {})), true)
  }
  assert.equal(bytesAre('_key', 'x').mayHold(unknown), true)
})

test('days of a partition, both ends included', () => {
  const day = dayBetween('d', at - 86_400_000, at)
  const held = ['2026-11-21', '2026-11-22', '2026-11-23', '2026-11-24'].map((d) => day.mayHold(file({}, {}, { d })))
  assert.deepEqual(held, [false, true, true, false])
  assert.equal(day.mayHold(file({}, {}, { d: null })), true)
})

test('a key is text in SQL, whatever it holds', () => {
  assert.equal(textIs('a"b', "o'x").sql, `"a""b" = 'o''x'`)
  assert.equal(bytesAre('_key', "'").sql, `"_key" = encode('''')`)
})
