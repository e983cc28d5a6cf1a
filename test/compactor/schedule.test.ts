import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { BuildResult } from '../../compactor/build.ts'
import { runBuilds } from '../../compactor/schedule.ts'

const result = { isBuilt: true, version: 1 } as BuildResult

/** Runs `outcomes` one after the other, then stops; gives the waits between them. */
const run = async (outcomes: ('ok' | 'fails')[]) => {
  const controller = new AbortController()
  const waitsMs: number[] = []
  const seen: string[] = []
  let next = 0
  await runBuilds({
    build: async () => {
      const outcome = outcomes[next++]
      if (next === outcomes.length) controller.abort()
      if (outcome === 'fails') throw new Error('no disk')
      return result
    },
    intervalMs: 1000,
    sleep: async (delayMs) => {
      waitsMs.push(delayMs)
      if (controller.signal.aborted) throw controller.signal.reason
    },
    random: () => 1,
    onResult: () => seen.push('ok'),
    onFailure: (error) => seen.push((error as Error).message),
    signal: controller.signal,
  })
  return { waitsMs, seen }
}

describe('runBuilds', () => {
  test('survives failing builds, and waits longer after each one in a row', async () => {
    const { waitsMs, seen } = await run(['ok', 'fails', 'fails', 'ok', 'fails', 'ok'])
    assert.deepEqual(seen, ['ok', 'no disk', 'no disk', 'ok', 'no disk', 'ok'])
    assert.deepEqual(waitsMs, [1000, 3000, 5000, 1000, 3000, 1000])
  })

  test('never waits more than minutes', async () => {
    const { waitsMs } = await run([...Array(30).fill('fails'), 'ok'] as 'fails'[])
    assert.equal(Math.max(...waitsMs), 301_000)
  })

  test('does not report a build that ended because it was told to stop', async () => {
    assert.deepEqual((await run(['fails'])).seen, [])
  })
})
