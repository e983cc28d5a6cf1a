import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { goldNames } from '../../compactor/tables.ts'
import { upkeepTables } from '../../compactor/upkeep/tables.ts'
import { pruneGold, vacuumTable } from '../../compactor/upkeep/vacuum.ts'
import { commit } from '../../lake/delta/commit.ts'
import { openTable } from '../../lake/delta/table.ts'
import { readEvaluated, readGate } from '../../lake/gate-log.ts'
import { MINUTE, silver, withGate } from '../compactor/gate/lake.ts'
import { rating } from '../compactor/silver.ts'

describe('the gate', () => {
  test('lets a build pass, and writes no record of it but what was checked', () =>
    withGate(async ({ addSilver, audited, store, published, kinds }) => {
      await addSilver(silver)
      const { isBuilt, held } = await audited()
      assert.deepEqual({ isBuilt, held }, { isBuilt: true, held: null })
      assert.equal((await published())?.version, 0)
      assert.deepEqual(await kinds(), [])
      assert.deepEqual((await readEvaluated(store))?.inputs, { books: 0, authors: 0, reviews: -1, ratings: 0 })
    }))

  test('holds a build whose check fails: no table has a new version, and the last Gold stays', () =>
    withGate(async ({ addSilver, audited, addBad, versions, published, ratings, store }) => {
      await addSilver(silver)
      await audited()
      const [before, gold, rows] = [await versions(), await published(), await ratings()]
      await addBad('u3', 'u4')
      const { isBuilt, held, version } = await audited()
      assert.deepEqual({ isBuilt, version }, { isBuilt: false, version: 0 })
      assert.deepEqual(
        held?.checks.map(({ id, measured, sampleKeys }) => ({ id, measured, sampleKeys })),
        [{ id: 'fact_rating.rating.range', measured: 2, sampleKeys: ['u3:b1', 'u4:b1'] }],
      )
      assert.deepEqual([await versions(), await published(), await ratings()], [before, gold, rows])
      for (const name of goldNames) assert.equal((await openTable(store, `gold/${name}`).history()).length, before[name]! + 1)
      const entry = await readGate(store)
      assert.deepEqual([entry?.number, entry?.state.hold?.baseVersion, entry?.state.hold?.since], [0, 0, '2026-11-01T00:00:00.000Z'])
    }))

  test('holds the very first Gold too', () =>
    withGate(async ({ addSilver, audited, addBad, published, versions, release, ratings }) => {
      await addSilver({ ...silver, ratings: [] })
      await addBad('u3')
      const { held } = await audited()
      assert.equal(held?.baseVersion, null)
      assert.equal(await published(), null)
      assert.deepEqual([...new Set(Object.values(await versions()))], [-1])
      assert.equal((await release(held!.run)).published?.version, 0)
      assert.deepEqual(await ratings(), [{ user_id: 'u3', rating: 9 }])
    }))

  test('tries nothing while Silver is as it was, and new rows at a bounded rate; a build that passes closes it', () =>
    withGate(async ({ addSilver, audited, addBad, clock, kinds, published, ratings }) => {
      await addSilver(silver)
      await audited()
      await addBad('u3')
      const first = (await audited()).held
      clock.nowMs += 5 * MINUTE
      assert.equal((await audited()).held?.run, first?.run, 'Silver is as it was')
      await addBad('u4')
      const second = (await audited()).held
      assert.notEqual(second?.run, first?.run)
      assert.deepEqual([second?.runs, second?.since], [2, first?.since])
      await addSilver({ ratings: ['u3', 'u4'].map((user) => rating(user, 'b1', 1, '2026-03-11')) })
      clock.nowMs += MINUTE
      assert.equal((await audited()).held?.run, second?.run, 'two minutes have not passed')
      clock.nowMs += MINUTE
      const { isBuilt, held } = await audited()
      assert.deepEqual({ isBuilt, held }, { isBuilt: true, held: null })
      assert.deepEqual(await kinds(), ['held', 'held', 'passed'])
      assert.equal((await published())?.released, undefined)
      assert.deepEqual((await ratings()).at(-1), { user_id: 'u4', rating: 1 })
      assert.equal((await audited()).held, null)
    }))

  test('tries again at once where a person asks', () =>
    withGate(async ({ addSilver, audited, addBad, store }) => {
      await addSilver(silver)
      await audited()
      await addBad('u3')
      const first = (await audited()).held
      const second = (await audited(store, true)).held
      assert.deepEqual([second?.runs, second?.run === first?.run], [2, false])
    }))

  test('releases exactly what was staged, on record, and waives its checks until they pass', () =>
    withGate(async ({ addSilver, audited, addBad, release, published, ratings, kinds, clock, store }) => {
      await addSilver(silver)
      await audited()
      await addBad('u3', 'u4')
      const run = (await audited()).held!.run
      // Newer rows are in Silver, and not in what was checked.
      await addSilver({ ratings: [rating('u5', 'b1', 3, '2026-03-12')] })
      const released = await release(run.slice(0, 8))
      assert.deepEqual([released.run, released.published?.version, released.waived], [run, 1, ['fact_rating.rating.range']])
      const gold = await published()
      assert.deepEqual([gold?.publishId, gold?.released], [run, { run, by: 'ann', why: 'looked at it' }])
      assert.deepEqual(
        (await ratings()).map(({ user_id }) => user_id),
        ['u1', 'u2', 'u3', 'u4'],
      )
      assert.deepEqual(await kinds(), ['held', 'release', 'released'])
      // The same two ratings fail the next build's check, and do not hold it.
      const next = await audited()
      assert.deepEqual([next.isBuilt, next.rows.fact_rating, (await readGate(store))?.state.waived.length], [true, 5, 1])
      await addBad('u6', 'u7')
      assert.equal((await audited()).held?.checks[0]?.measured, 4, 'twice as many are another matter')
      clock.nowMs += 10 * MINUTE
      await addSilver({ ratings: ['u3', 'u4', 'u6', 'u7'].map((user) => rating(user, 'b1', 1, '2026-03-13')) })
      assert.equal((await audited()).isBuilt, true)
      assert.deepEqual((await readGate(store))?.state.waived, [])
      await addBad('u8')
      assert.equal((await audited()).held?.checks[0]?.measured, 1, 'a waiver is for once')
    }))

  test('refuses what can not be released, in one line', () =>
    withGate(async ({ addSilver, audited, addBad, release, clock }) => {
      await addSilver(silver)
      await audited()
      await assert.rejects(release('nothing'), { code: 'config', message: "There is no held run 'nothing'." })
      await addBad('u3')
      const first = (await audited()).held!.run
      await release(first)
      await assert.rejects(release(first), { code: 'gate-refused', message: /was released already/ })
      const runs: string[] = []
      for (const user of ['v1', 'v2', 'v3', 'v4']) {
        clock.nowMs += 10 * MINUTE
        await addBad(user)
        runs.push((await audited()).held!.run)
      }
      await assert.rejects(release(runs[0]!), { code: 'gate-refused', message: /Newer builds were held/ })
      clock.nowMs += 10 * MINUTE
      await addSilver({ ratings: ['u3', 'v1', 'v2', 'v3', 'v4'].map((user) => rating(user, 'b1', 2, '2026-04-01')) })
      assert.equal((await audited()).isBuilt, true)
      await assert.rejects(release(runs.at(-1)!), { code: 'gate-refused', message: /Gold has moved on to version 2/ })
    }))

  test('checks what Silver turned away although no row came, and a release of that only waives', () =>
    withGate(async ({ addSilver, audited, store, release, published, kinds }) => {
      await addSilver(silver)
      await audited()
      const progress = (dead: number) =>
        commit(openTable(store, 'silver/ratings'), { operation: 'STREAMING UPDATE', txns: [{ appId: 'silver/c/t/0/dead', version: dead }] })
      await progress(3)
      assert.equal((await audited()).held, null)
      const evaluated = await readEvaluated(store)
      assert.equal(evaluated?.dead['ratings'], 3)
      await audited()
      assert.deepEqual(await readEvaluated(store), evaluated, 'an idle system evaluates nothing')
      await progress(20)
      const { held, version } = await audited()
      assert.deepEqual([held?.isStaged, held?.checks[0]?.id, version], [false, 'silver.dead', 0])
      const released = await release(held!.run)
      assert.deepEqual([released.published, (await published())?.version], [null, 0])
      assert.equal((await audited()).held, null)
      assert.deepEqual(await kinds(), ['held', 'release', 'released'])
      await addSilver({ ratings: [rating('u5', 'b1', 3, '2026-03-12')] })
      assert.equal((await audited()).isBuilt, true)
    }))

  test('keeps what the newest held builds staged from the vacuum, as long as they can be released, and no other', () =>
    withGate(async ({ addSilver, audited, addBad, release, clock, store, ratings }) => {
      const vacuumed = async () => {
        const tables = upkeepTables((root) => openTable(store, root)).filter(({ name }) => name === 'gold.fact_rating')
        // The store's own clock says when a file was written.
        const options = { retainMs: 0, isShortAllowed: true, nowMs: Date.now() + 3 * 24 * 60 * MINUTE }
        const { kept } = await pruneGold(store, tables, options)
        return (await vacuumTable(tables[0]!, kept, options)).files
      }
      await addSilver(silver)
      await audited()
      const runs: string[] = []
      for (const user of ['v1', 'v2', 'v3', 'v4']) {
        clock.nowMs += 10 * MINUTE
        await addBad(user)
        runs.push((await audited()).held!.run)
      }
      assert.equal(await vacuumed(), 1, 'the file of the first of the four')
      await release(runs[1]!)
      assert.deepEqual(
        (await ratings()).map(({ user_id }) => user_id),
        ['u1', 'u2', 'v1', 'v2'],
      )
      assert.equal(await vacuumed(), 2)
      assert.equal((await ratings()).length, 4)
    }))
})
