import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openMemoryStore } from '../../../lake/store/memory.ts'
import { poll } from '../../../producers/poll/poll.ts'
import { createPositionsOf } from '../../../producers/poll/positions.ts'
import { emptyBook } from '../../../producers/sources/empty.ts'
import type { Source } from '../../../producers/sources/source.ts'
import { ReadflowError } from '../../../runtime/errors.ts'
import { createLog } from '../../../runtime/log.ts'

const log = createLog('test', 'silent')

/** A source that gives the next book at each poll, and its polls to a lake that can be made read-only. */
const open = () => {
  const lake = { isReadOnly: false }
  const memory = openMemoryStore()
  const put: typeof memory.put = async (...args) => {
    if (lake.isReadOnly) throw new ReadflowError('lake-unavailable', 'The lake is read-only.')
    await memory.put(...args)
  }
  const positionsOf = createPositionsOf({ ...memory, put })
  const published: string[] = []
  let asked = 0
  const source = (id: string): Source => ({
    name: 'test',
    id,
    isGenerated: true,
    pollIntervalMs: null,
    close: async () => undefined,
    poll: async function* (position) {
      asked++
      const next = Number(position?.['next'] ?? 1)
      yield { records: [{ entity: 'books', value: emptyBook(`${next}`), requestId: null }], position: { next: next + 1 } }
    },
  })
  /** One poll by a poller that opens the source anew, as for a shelf or a backfill. */
  const once = (id = 'a') =>
    poll(
      {
        source: source(id),
        positions: positionsOf(id),
        encode: ({ value }) => ({ topic: id, key: (value as { book_id: string }).book_id, value: null, headers: {} }),
        producer: {
          send: async (records) => {
            for (const { topic, key } of records) published.push(`${topic}${key}`)
          },
          close: async () => undefined,
        },
        log,
        nowMs: Date.now,
        run: { id: 'p', begin: () => undefined, note: () => undefined, end: () => undefined },
        watch: { beginPoll: async () => undefined, take: (record) => ({ record, drifted: [] }), endPoll: async () => undefined },
      },
      new AbortController().signal,
    )
  return { lake, once, published, positionsOf, asked: () => asked }
}

for (const [which, before] of [
  ['first poll', []],
  ['later poll', ['a1']],
] as const) {
  test(`of a ${which} whose position can not be kept nothing is published again before one can`, async () => {
    const { lake, once, published, positionsOf, asked } = open()
    for (const _ of before) await once()
    lake.isReadOnly = true
    for (let attempt = 0; attempt < 5; attempt++) await assert.rejects(once(), /The lake is read-only/)
    const book = `a${before.length + 1}`
    assert.deepEqual(published, [...before, book])
    assert.equal(asked(), before.length + 1, 'nor is the source asked')
    await assert.rejects(once('b'), /The lake is read-only/)
    assert.deepEqual(published, [...before, book, 'b1'], 'another source has not failed yet')
    lake.isReadOnly = false
    await once()
    await once()
    assert.deepEqual(published, [...before, book, 'b1', book, `a${before.length + 2}`], 'one copy, and none is lost')
    assert.deepEqual(await positionsOf('a').load(), { next: before.length + 3 })
  })
}
