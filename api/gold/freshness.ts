import type { Action } from '../../lake/delta/actions.ts'
import { readEntries } from '../../lake/delta/load.ts'
import type { ObjectStore } from '../../lake/store/store.ts'
import { errorLine, ReadflowError } from '../../runtime/errors.ts'
import type { Log } from '../../runtime/log.ts'
import { entityNames } from '../../schemas/catalogue.ts'
import type { EntityName } from '../../schemas/records.ts'
import type { GoldVersion } from './version.ts'

/** What a sink's commit of new rows is called; a replay's rows were queryable before. */
const NEW_ROWS = 'STREAMING UPDATE'

/** When the oldest record of a commit's new rows came to Kafka, in epoch milliseconds; null for a commit without any. Pure. */
export const oldestArrivalMs = (actions: readonly Action[]): number | null => {
  if (!actions.some((action) => 'commitInfo' in action && action.commitInfo.operation === NEW_ROWS)) return null
  const times = actions.flatMap((action) => ('add' in action && action.add.dataChange !== false ? arrivalOf(action.add.stats) : []))
  return times.length === 0 ? null : Math.min(...times)
}

const arrivalOf = (stats: string | undefined): number[] => {
  const { minValues } = (stats === undefined ? {} : JSON.parse(stats)) as { minValues?: { ingestion_timestamp?: string } }
  const ms = Date.parse(minValues?.ingestion_timestamp ?? '')
  return Number.isNaN(ms) ? [] : [ms]
}

export interface FreshnessOptions {
  store: ObjectStore
  observe: (entity: EntityName, seconds: number) => void
  log: Log
}

/**
 * Measures from Kafka to the reader: hears of each Gold version that answers begin to come from, and of the one before it, and
 * observes for each Silver commit that is new in it how long the oldest of its records took. Only logs are read, one version
 * after the other, and nothing waits for it; what the log does not tell any more is left out.
 */
export const watchFreshness = ({ store, observe, log }: FreshnessOptions) => {
  let queue: Promise<unknown> = Promise.resolve()

  const measure = async (entity: EntityName, [from, to]: readonly [number, number], servedMs: number) => {
    const entries = await readEntries({ store, root: `silver/${entity}` }, from + 1, to)
    for (const actions of entries) {
      const arrivedMs = oldestArrivalMs(actions)
      if (arrivedMs !== null) observe(entity, Math.max(0, servedMs - arrivedMs) / 1000)
    }
  }

  const attempt = (entity: EntityName, versions: readonly [number, number], servedMs: number) =>
    measure(entity, versions, servedMs).catch((error: unknown) => {
      const isCleaned = error instanceof ReadflowError && error.code === 'lake-not-found'
      if (!isCleaned) log.warn({ entity, error: errorLine(error) }, 'freshness could not be measured')
    })

  return {
    /** `servedMs` is when answers began to come from it. */
    serving: (next: Pick<GoldVersion, 'inputs'>, last: Pick<GoldVersion, 'inputs'> | null, servedMs: number) => {
      // Nobody knows since when the first version could have been read.
      if (last === null) return
      const grown = entityNames.flatMap((entity) => {
        const [from, to] = [last.inputs[entity] ?? -1, next.inputs[entity] ?? -1]
        return to > from ? [{ entity, versions: [from, to] as const }] : []
      })
      queue = queue.then(() => Promise.all(grown.map(({ entity, versions }) => attempt(entity, versions, servedMs))))
    },
    /** Waits for what is being measured. */
    settled: () => queue,
  }
}
