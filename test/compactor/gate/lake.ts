import { openBuildTables } from '../../../compactor/build.ts'
import type { Audit, CheckResult } from '../../../compactor/checks/check.ts'
import { release } from '../../../compactor/gate/release.ts'
import { openTable } from '../../../lake/delta/table.ts'
import { listGate } from '../../../lake/gate-log.ts'
import { readPublished } from '../../../lake/published.ts'
import type { ObjectStore } from '../../../lake/store/store.ts'
import { type Lake, withLake } from '../lake.ts'
import { author, book, by, rating, type Silver } from '../silver.ts'

/** Ratings outside of 1 to 5 in what a build derived, and dead letters: two checks that a test can make fail. */
const audit: Audit = async ({ duckdb, silver }) => {
  const results: CheckResult[] = []
  let dead = 0
  for (const { txns } of Object.values(silver)) for (const [appId, count] of txns) if (appId.endsWith('/dead')) dead += count
  results.push({
    id: 'silver.dead',
    table: 'silver.ratings',
    column: null,
    verdict: dead > 10 ? 'fail' : 'pass',
    measured: dead,
    threshold: 'at most 10',
    message: `${dead} records became dead letters.`,
    sampleKeys: [],
  })
  if (!duckdb) return results
  const wrong = await duckdb.rows<{ rating_key: string }>('SELECT rating_key FROM fact_rating WHERE rating NOT BETWEEN 1 AND 5 ORDER BY 1')
  results.push({
    id: 'fact_rating.rating.range',
    table: 'gold.fact_rating',
    column: 'rating',
    verdict: wrong.length > 0 ? 'fail' : 'pass',
    measured: wrong.length,
    threshold: 'at most 0 rows outside of 1 to 5',
    message: `${wrong.length} ratings lie outside of 1 to 5.`,
    sampleKeys: wrong.slice(0, 5).map(({ rating_key }) => rating_key),
  })
  return results
}

export const silver: Silver = {
  books: [book('b1', '2026-01-01', 'h1', { title: 'One', authors: by('a1') })],
  authors: [author('a1', '2026-01-01', 'x', { name: 'Ann' })],
  ratings: [rating('u1', 'b1', 5, '2026-01-10'), rating('u2', 'b1', 4, '2026-02-10')],
}
export const MINUTE = 60_000

const gated = (lake: Lake) => {
  const clock = { nowMs: Date.parse('2026-11-01T00:00:00Z') }
  const nowMs = () => clock.nowMs
  const tablesAt = (store: ObjectStore) => ({ store, gold: openBuildTables((root) => openTable(store, root)).gold, nowMs })
  return {
    clock,
    audited: (store: ObjectStore = lake.store, isRetry = false) => lake.build(store, { audit, nowMs, isRetry }),
    release: (run: string, { store = lake.store, by = 'ann', why = 'looked at it' } = {}) => release(tablesAt(store), { run, by, why }),
    published: () => readPublished(lake.store),
    /** Ratings of 9, all in the same month. */
    addBad: (...users: string[]) => lake.addSilver({ ratings: users.map((user) => rating(user, 'b1', 9, '2026-03-10')) }),
    ratings: () => lake.query('SELECT user_id, rating FROM {fact_rating} ORDER BY 1'),
    /** Kinds of the entries of the gate's records, oldest first. */
    kinds: async () => (await listGate(lake.store, { limit: 50 })).map(({ event }) => event.kind).reverse(),
  }
}

/** A lake with a clock of its own, where `audited` builds behind the gate. */
export const withGate = (use: (lake: Lake & ReturnType<typeof gated>) => Promise<void>) =>
  withLake((lake) => use({ ...lake, ...gated(lake) }))
