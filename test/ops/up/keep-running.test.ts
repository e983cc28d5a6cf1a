import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Attempt, keepRunning } from '../../../ops/up/keep-running.ts'

test('a restart gives up a start that does not come to an end, and starts anew', async () => {
  let starts = 0
  const start = async (signal: AbortSignal): Promise<Attempt> => {
    // The first one hangs until it is given up.
    if (++starts === 1) await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
    const ended = Promise.withResolvers<{ lastError: null }>()
    return { exited: ended.promise, stop: async () => ended.resolve({ lastError: null }) }
  }
  const kept = keepRunning({ start, onState: () => undefined })
  assert.equal(await kept.restart(10), null)
  assert.equal(starts, 2)
  await kept.stop()
})

test('a restart is done when what was started works, or has ended before; one that is restarted meanwhile is not its end', async () => {
  const attempts: { begin: () => void; end: (lastError: string | null) => void }[] = []
  const next = async (count: number) => {
    while (attempts.length < count) await new Promise((resolve) => setImmediate(resolve))
    return attempts[count - 1]!
  }
  const start = (): Attempt => {
    const ended = Promise.withResolvers<{ lastError: string | null }>()
    const begun = Promise.withResolvers<void>()
    attempts.push({ begin: begun.resolve, end: (lastError) => ended.resolve({ lastError }) })
    return { exited: ended.promise, begun: begun.promise, stop: async () => ended.resolve({ lastError: 'killed' }) }
  }
  const kept = keepRunning({ start, onState: () => undefined })
  ;(await next(1)).begin()
  let answer: string | null | undefined
  const first = kept.restart(10).then((failure) => {
    answer = failure
  })
  await next(2)
  await new Promise((resolve) => setTimeout(resolve, 20))
  assert.equal(answer, undefined, 'its process is there, and does not work yet')
  const second = kept.restart(10)
  ;(await next(3)).begin()
  await first
  assert.deepEqual([answer, await second], [null, null])
  const third = kept.restart(10)
  ;(await next(4)).end('KAFKA_BROKERS is wrong')
  assert.equal(await third, 'KAFKA_BROKERS is wrong')
  await kept.stop()
})

test('a restart ends what runs and starts it again at once; all who ask meanwhile are told, also why it does not run', async () => {
  const stopped: (number | undefined)[] = []
  let starts = 0
  let fault: Error | null = null
  const start = (): Attempt => {
    starts++
    if (fault) throw fault
    const ended = Promise.withResolvers<{ lastError: null }>()
    return {
      exited: ended.promise,
      stop: async (graceMs) => {
        stopped.push(graceMs)
        ended.resolve({ lastError: null })
      },
    }
  }
  const running = Promise.withResolvers<void>()
  const kept = keepRunning({ start, onState: (state) => state === 'running' && running.resolve() })
  await running.promise
  assert.deepEqual(await Promise.all([kept.restart(10), kept.restart(20)]), [null, null])
  assert.deepEqual([starts, stopped[0]], [2, 10])
  fault = new Error('no port')
  assert.equal(await kept.restart(10), 'no port')
  fault = null
  assert.equal(await kept.restart(10), null, 'it waits no longer for its next attempt')
  await kept.stop()
})
