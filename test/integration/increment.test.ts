import assert from 'node:assert/strict'
import path from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import { goldNames } from '../../compactor/tables.ts'
import { createRewrite } from '../../compactor/upkeep/rewrite.ts'
import { optimize } from '../../lake/delta/optimize.ts'
import { openTable } from '../../lake/delta/table.ts'
import { openDuckDb } from '../../runtime/duckdb.ts'
import { entityNames } from '../../schemas/catalogue.ts'
import type { EntityName } from '../../schemas/records.ts'
import { change, grouped } from '../compactor/changes.ts'
import { type Lake, withLake } from '../compactor/lake.ts'
import type { Row } from '../compactor/silver.ts'

/** What happens to Silver between two builds: rows come, files are rewritten, or a replay puts other rows in the place of older ones. */
type Step =
  | { kind: 'add'; changes: [EntityName, Row][] }
  | { kind: 'optimize'; entity: EntityName }
  | { kind: 'replay'; changes: [EntityName, Row][]; parity: number }
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.array(change, { minLength: 1, maxLength: 6 }).map((changes): Step => ({ kind: 'add', changes })) },
  { weight: 1, arbitrary: fc.constantFrom(...entityNames).map((entity): Step => ({ kind: 'optimize', entity })) },
  {
    weight: 1,
    arbitrary: fc
      .tuple(fc.array(change, { minLength: 1, maxLength: 4 }), fc.integer({ min: 0, max: 1 }))
      .map(([changes, parity]): Step => ({ kind: 'replay', changes, parity })),
  },
)
const builds = fc.array(fc.array(step, { minLength: 1, maxLength: 3 }), { minLength: 2, maxLength: 5 })

const apply = async ({ addSilver, store, dir }: Lake, happened: Step) => {
  if (happened.kind === 'add') return addSilver(grouped(happened.changes))
  // Every other file, by its number.
  if (happened.kind === 'replay')
    return addSilver(grouped(happened.changes), ({ path: file }) => Number(/\d+/.exec(file)?.[0] ?? 0) % 2 === happened.parity)
  const rewrite = createRewrite({ openDuckDb, tempDir: path.join(dir, 'tmp') })
  await optimize(openTable(store, `silver/${happened.entity}`), { rewrite, sortBy: ['_key'], targetBytes: 1024 ** 2, minFiles: 2 })
}

/** Rows that are in one of two Golds only, by table. */
const differences = async ({ query, rebuild }: Lake): Promise<Record<string, Row[]>> => {
  const rebuilt = await rebuild()
  const found: Record<string, Row[]> = {}
  for (const name of goldNames) {
    const rows = await query(`
      SELECT 'only in the increment' AS side, * FROM (SELECT * FROM {${name}} EXCEPT ALL SELECT * FROM ${rebuilt}.${name})
      UNION ALL SELECT 'only in the rebuild', * FROM (SELECT * FROM ${rebuilt}.${name} EXCEPT ALL SELECT * FROM {${name}})`)
    if (rows.length > 0) found[name] = rows
  }
  return found
}

test('increments give the rows of a rebuild, keys included, whatever happened to Silver', async () => {
  let increments = 0
  await fc.assert(
    fc.asyncProperty(builds, async (happenings) => {
      await withLake(async (lake) => {
        for (const steps of happenings) {
          for (const each of steps) await apply(lake, each)
          const { full, isBuilt, version } = await lake.build()
          // Nothing but tables that are not there has been upset so far.
          if (version === null) continue
          if (isBuilt && full === null) increments++
          assert.deepEqual(await differences(lake), {})
        }
      })
    }),
    // A run takes seconds: what failed is told at once, with its seed, and not made smaller.
    { numRuns: Number(process.env['READFLOW_PROPERTY_RUNS'] ?? 8), endOnFailure: true },
  )
  assert.ok(increments > 5, `only ${increments} of the builds were increments`)
})
