import { mayDiffer } from '../../lake/delta/data-change.ts'
import { openTable } from '../../lake/delta/table.ts'
import { readPublished } from '../../lake/published.ts'
import type { ObjectStore } from '../../lake/store/store.ts'
import { entityNames } from '../../schemas/catalogue.ts'

/** When something was read, and where the topics ended then. */
export interface Reading {
  readAtMs: number
  /** Next offset by `entity/topic id/partition`. */
  ends: Readonly<Record<string, number>>
}

/** Tells whether what was read is in a Gold version. What has arrived once stays so, and is not looked up again. */
export interface Arrivals {
  hasArrived: (reading: Reading, goldVersion: number) => Promise<boolean>
}

/** Progress of each partition of a Silver table, by `topic id/partition`. */
const progressOf = (txns: ReadonlyMap<string, number>): Map<string, number> =>
  new Map(
    [...txns].flatMap(([appId, offset]) => {
      const [stage, , topicId, partition = '', ...more] = appId.split('/')
      return stage === 'silver' && /^\d+$/.test(partition) && more.length === 0 ? [[`${topicId}/${partition}`, offset]] : []
    }),
  )

/**
 * A version of Gold has what was read by then where it is complete to a later time, or where the Silver that it was built
 * from has the topics up to where they ended; or where a later Silver has, with the same rows: of what only repeats what is
 * there nothing is built anew.
 */
export const openArrivals = ({ store }: { store: ObjectStore }): Arrivals => {
  const tables = entityNames.map((entity) => ({ entity, table: openTable(store, `silver/${entity}`) }))
  let arrivedMs = Number.NEGATIVE_INFINITY
  let ofVersion = -1

  const look = async ({ readAtMs, ends }: Reading, goldVersion: number): Promise<boolean> => {
    const published = await readPublished(store, { version: goldVersion })
    if (!published) return false
    if (published.completeThrough !== null && Date.parse(published.completeThrough) > readAtMs) return true
    for (const { entity, table } of tables) {
      const builtFrom = published.inputs[entity] ?? -1
      const wanted = Object.entries(ends).filter(([place]) => place.startsWith(`${entity}/`))
      if (wanted.length === 0 || builtFrom < 0) return false
      const has = ({ txns }: { txns: ReadonlyMap<string, number> }) => {
        const progress = progressOf(txns)
        return wanted.every(([place, end]) => end <= (progress.get(place.slice(entity.length + 1)) ?? 0))
      }
      if (has(await table.snapshot({ version: builtFrom }))) continue
      const newest = await table.snapshot()
      if (!has(newest) || (await mayDiffer(table, builtFrom, newest.version))) return false
    }
    return true
  }

  return {
    hasArrived: async (reading, goldVersion) => {
      const { readAtMs } = reading
      // Later versions have what earlier ones have, and all of it that is older.
      if (readAtMs <= arrivedMs && goldVersion >= ofVersion) return true
      const isThere = await look(reading, goldVersion)
      if (isThere && readAtMs > arrivedMs) [arrivedMs, ofVersion] = [readAtMs, goldVersion]
      return isThere
    },
  }
}
