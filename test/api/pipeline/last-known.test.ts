import assert from 'node:assert/strict'
import { test } from 'node:test'
import { lastKnown } from '../../../api/pipeline/last-known.ts'

test('the last answer stands in for one that fails or is late, and is told to be old', async () => {
  const answers: (() => Promise<number>)[] = []
  let asked = 0
  const look = lastKnown(() => {
    asked++
    return answers.shift()!()
  }, 20)
  const fails = () => Promise.reject(new Error('away\nfor now'))

  answers.push(fails)
  assert.deepEqual(await look(), { value: null, fault: 'away for now' })
  const slow = Promise.withResolvers<number>()
  answers.push(() => slow.promise)
  const both = Promise.all([look(), look()])
  setTimeout(() => slow.resolve(1), 60)
  assert.deepEqual(
    await both,
    [
      { value: 1, fault: null },
      { value: 1, fault: null },
    ],
    'nothing is known before the first answer: it is waited for',
  )
  assert.equal(asked, 2, 'those who ask at once share it')

  answers.push(fails)
  assert.deepEqual(await look(), { value: 1, fault: 'away for now' })
  const late = Promise.withResolvers<number>()
  answers.push(() => late.promise)
  assert.deepEqual(await look(), { value: 1, fault: 'no answer within 0.02 s' })
  assert.deepEqual(await look(), { value: 1, fault: 'no answer within 0.02 s' })
  assert.equal(asked, 4, 'what is under way is not asked again')
  late.resolve(2)
  await late.promise
  answers.push(async () => 3)
  assert.deepEqual(await look(), { value: 3, fault: null })
})
