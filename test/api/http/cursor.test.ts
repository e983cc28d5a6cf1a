import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { decodeCursor, encodeCursor, questionOf, requireQuestion } from '../../../api/http/cursor.ts'
import { Problem } from '../../../api/http/problem.ts'

const is400 = (error: unknown) => error instanceof Problem && error.status === 400 && error.faults[0]?.parameter === 'cursor'

describe('a cursor', () => {
  it('gives back what went in', () => {
    const cursor = { version: 12, after: [50, 'é', null], question: questionOf({ genre: 'fantasy' }) }
    assert.deepEqual(decodeCursor(encodeCursor(cursor)), cursor)
  })

  it('is refused when it is not one', () => {
    const forged = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
    for (const text of [
      '',
      'abc',
      '💥',
      forged({ v: 1 }),
      forged({ v: -1, k: [1], q: 'aaaaaaaaaaaa' }),
      forged({ v: 1, k: [], q: 'aaaaaaaaaaaa' }),
      forged({ v: 1, k: [{}], q: 'aaaaaaaaaaaa' }),
      forged([]),
    ]) {
      assert.throws(() => decodeCursor(text), is400, text)
    }
  })

  it('belongs to its filters and order, not to the size of a page', () => {
    const question = questionOf({ genre: 'fantasy', sort: 'title', limit: 10, cursor: 'x', q: undefined })
    assert.equal(question, questionOf({ sort: 'title', genre: 'fantasy', limit: 20 }))
    assert.notEqual(question, questionOf({ genre: 'fantasy', sort: 'ratings_count' }))
    assert.throws(() => requireQuestion({ version: 1, after: [1], question }, questionOf({ genre: 'horror', sort: 'title' })), is400)
  })
})
