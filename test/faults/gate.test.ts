import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { ObjectStore } from '../../lake/store/store.ts'
import { MINUTE, silver, withGate } from '../compactor/gate/lake.ts'
import { rating } from '../compactor/silver.ts'

/** A store that fails, as a killed process would, at the n-th write that matches: before it, or after it. */
const dyingAt = (store: ObjectStore, matches: (path: string) => boolean, nth = 1, isAfter = false): ObjectStore => {
  let seen = 0
  return {
    ...store,
    putIfAbsent: async (path, bytes) => {
      if (!matches(path) || ++seen < nth) return store.putIfAbsent(path, bytes)
      if (isAfter) await store.putIfAbsent(path, bytes)
      throw new Error('killed')
    },
  }
}
/** A store where something is waited for before each write that matches. */
const whenAt = (store: ObjectStore, matches: (path: string) => boolean, before: () => Promise<void>): ObjectStore => ({
  ...store,
  putIfAbsent: async (path, bytes) => {
    if (matches(path)) await before()
    return store.putIfAbsent(path, bytes)
  },
})
const isGate = (path: string) => path.startsWith('gold/_gate/')
const isLog = (path: string) => /^gold\/\w+\/_delta_log/.test(path)
const isPublished = (path: string) => path.startsWith('gold/_published/')
const killed = /killed/

describe('a gate whose process dies', () => {
  test('after it noted the hold: the next one knows it, and stages nothing again', () =>
    withGate(async ({ addSilver, audited, addBad, store, kinds, versions }) => {
      await addSilver(silver)
      await audited()
      const before = await versions()
      await addBad('u3')
      await assert.rejects(audited(dyingAt(store, isGate, 1, true)), killed)
      assert.equal((await audited()).held?.checks[0]?.id, 'fact_rating.rating.range')
      assert.deepEqual([await kinds(), await versions()], [['held'], before])
    }))

  test('before it noted the hold: the next one finds it again', () =>
    withGate(async ({ addSilver, audited, addBad, store, kinds }) => {
      await addSilver(silver)
      await audited()
      await addBad('u3')
      await assert.rejects(audited(dyingAt(store, isGate)), killed)
      assert.equal((await audited()).held?.runs, 1)
      assert.deepEqual(await kinds(), ['held'])
    }))

  for (const [when, matches, nth, isAfter] of [
    ['before the first table', isLog, 1, false],
    ['between two tables', isLog, 2, false],
    ['before it is published', isPublished, 1, false],
    ['after it is published', isPublished, 1, true],
  ] as const)
    test(`in the middle of a release, ${when}: the next build finishes it`, () =>
      withGate(async ({ addSilver, audited, addBad, store, kinds, release, published, ratings }) => {
        await addSilver(silver)
        await audited()
        await addBad('u3')
        const { run } = (await audited()).held!
        await assert.rejects(release(run, { store: dyingAt(store, matches, nth, isAfter) }), killed)
        const { held, isBuilt } = await audited()
        assert.deepEqual({ held, isBuilt }, { held: null, isBuilt: false })
        const gold = await published()
        assert.deepEqual([gold?.version, gold?.publishId, gold?.released?.by], [1, run, 'ann'])
        assert.deepEqual((await ratings()).at(-1), { user_id: 'u3', rating: 9 })
        assert.deepEqual(await kinds(), ['held', 'release', 'released'])
        await assert.rejects(release(run), { code: 'gate-refused', message: /was released already/ })
      }))

  test('after a build was published: a hold that Gold has moved past is closed', () =>
    withGate(async ({ addSilver, audited, addBad, store, kinds, clock }) => {
      await addSilver(silver)
      await audited()
      await addBad('u3')
      await audited()
      clock.nowMs += MINUTE
      await addSilver({ ratings: [rating('u3', 'b1', 1, '2026-03-11')] })
      await assert.rejects(audited(dyingAt(store, isGate)), killed)
      assert.equal((await audited()).held, null)
      assert.deepEqual(await kinds(), ['held', 'passed'])
    }))
})

describe('two at once', () => {
  test('release the same run: it is published once', () =>
    withGate(async ({ addSilver, audited, addBad, release, published, kinds, ratings }) => {
      await addSilver(silver)
      await audited()
      await addBad('u3')
      const { run } = (await audited()).held!
      const outcomes = await Promise.allSettled([release(run), release(run, { by: 'bob' })])
      assert.ok(outcomes.some(({ status }) => status === 'fulfilled'))
      for (const outcome of outcomes) if (outcome.status === 'rejected') assert.equal(outcome.reason.code, 'gate-refused')
      assert.equal((await published())?.version, 1)
      assert.deepEqual(await kinds(), ['held', 'release', 'released'])
      assert.equal((await ratings()).length, 3)
    }))

  test('release, and build: the build that loses publishes nothing, and the next one is right', () =>
    withGate(async ({ addSilver, audited, addBad, release, store, ratings, clock, published }) => {
      await addSilver(silver)
      await audited()
      await addBad('u3')
      const { run } = (await audited()).held!
      await addSilver({ ratings: [rating('u3', 'b1', 1, '2026-03-11')] })
      clock.nowMs += MINUTE
      // The release comes while the build has staged and audited, and is about to commit.
      let released: ReturnType<typeof release> | undefined
      const slow = whenAt(store, isLog, async () => {
        released ??= release(run)
        await released
      })
      await assert.rejects(audited(slow), { code: /lake-(fenced|conflict)/ })
      assert.deepEqual([(await published())?.publishId, (await ratings()).at(-1)?.['rating']], [run, 9])
      const next = await audited()
      assert.deepEqual([next.isBuilt, next.held], [true, null])
      assert.deepEqual((await ratings()).at(-1), { user_id: 'u3', rating: 1 })
    }))

  test('release, and build: the release gives up where a build publishes before it is on record', () =>
    withGate(async ({ addSilver, audited, addBad, release, store, ratings, clock, kinds, published }) => {
      await addSilver(silver)
      await audited()
      await addBad('u3')
      const { run } = (await audited()).held!
      await addSilver({ ratings: [rating('u3', 'b1', 1, '2026-03-11')] })
      clock.nowMs += MINUTE
      let built: ReturnType<typeof audited> | undefined
      const slow = whenAt(store, isGate, async () => {
        built ??= audited()
        await built
      })
      await assert.rejects(release(run, { store: slow }), { code: 'gate-refused', message: /faster/ })
      assert.equal((await published())?.released, undefined)
      assert.deepEqual(await kinds(), ['held', 'passed'])
      assert.deepEqual((await ratings()).at(-1), { user_id: 'u3', rating: 1 })
    }))

  test('release, and build: the release gives up, on record, where a build that had begun before publishes first', () =>
    withGate(async ({ addSilver, audited, addBad, release, store, ratings, clock, kinds, published }) => {
      await addSilver(silver)
      await audited()
      await addBad('u3')
      const { run } = (await audited()).held!
      await addSilver({ ratings: [rating('u3', 'b1', 1, '2026-03-11')] })
      clock.nowMs += MINUTE
      // The build waits at its first commit until the release is at its own, which waits for the build's end.
      const staged = Promise.withResolvers<void>()
      const begun = Promise.withResolvers<void>()
      const building = audited(
        whenAt(store, isLog, () => {
          staged.resolve()
          return begun.promise
        }),
      )
      await staged.promise
      const slow = whenAt(store, isLog, async () => {
        begun.resolve()
        await building
      })
      await assert.rejects(release(run, { store: slow }), { code: 'gate-refused', message: /another build came first/ })
      assert.equal((await published())?.released, undefined)
      assert.deepEqual(await kinds(), ['held', 'release', 'passed', 'abandoned'])
      assert.deepEqual((await ratings()).at(-1), { user_id: 'u3', rating: 1 })
    }))
})
