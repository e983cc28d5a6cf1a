import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createKeeper } from '../../consumers/keep-stages.ts'
import { ReadflowError } from '../../runtime/errors.ts'

const { signal } = new AbortController()

test('a stage that fails begins anew, ever later up to a minute, and the other goes on', async () => {
  const waitsMs: number[] = []
  const other = Promise.withResolvers<string>()
  let runs = 0
  const keep = createKeeper<'bronze' | 'silver', string>({
    names: ['bronze', 'silver'],
    run: async (name) => {
      if (name === 'bronze') return other.promise
      if (++runs <= 9) throw new Error('a defect')
      return 'done'
    },
    onFailure: (name, _error, retryInMs) => assert.deepEqual([name, retryInMs > 0], ['silver', true]),
    onRecovery: () => assert.fail('it never did its work in between'),
    wait: async (_name, delayMs) => void waitsMs.push(delayMs),
  })
  const bronze = keep('bronze', signal)
  assert.equal(await keep('silver', signal), 'done')
  assert.deepEqual(waitsMs, [1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000, 60_000])
  other.resolve('went on')
  assert.equal(await bronze, 'went on')
})

test('a stage that did its work in between counts from the beginning, and is told to be well, once', async () => {
  const waitsMs: number[] = []
  const told: string[] = []
  let runs = 0
  const keep = createKeeper<string, string>({
    names: ['silver', 'bronze'],
    run: async (_name, _until, isWell) => {
      if (++runs === 3) {
        isWell()
        isWell()
      }
      if (runs < 5) throw new Error('a defect')
      return 'done'
    },
    onFailure: (name) => told.push(`${name} failed`),
    onRecovery: (name) => told.push(`${name} is well`),
    wait: async (_name, delayMs) => void waitsMs.push(delayMs),
  })
  await keep('silver', signal)
  assert.deepEqual(waitsMs, [1000, 2000, 1000, 2000])
  assert.deepEqual(told, ['silver failed', 'silver failed', 'silver is well', 'silver failed', 'silver failed'])
})

test('where no stage is left that works, where one is all there is, and with faults of a stop, it rejects', async () => {
  const keeper = (names: string[], error: Error) =>
    createKeeper<string, string>({
      names,
      run: async () => {
        throw error
      },
      onFailure: () => undefined,
      onRecovery: () => undefined,
      wait: () => new Promise(() => undefined),
    })
  await assert.rejects(keeper(['silver'], new Error('a defect'))('silver', signal), /a defect/)
  await assert.rejects(keeper([], new Error('a defect'))('silver', signal), /a defect/)
  const both = keeper(['silver', 'bronze'], new Error('a defect'))
  void both('silver', signal)
  await assert.rejects(both('bronze', signal), /a defect/)
  await assert.rejects(keeper(['silver', 'bronze'], new ReadflowError('kafka-unavailable', 'away'))('silver', signal), /away/)
})
