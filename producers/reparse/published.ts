import { columnOf, valueAt } from '../../lake/columns/column.ts'
import { scan } from '../../lake/delta/scan.ts'
import { openTable } from '../../lake/delta/table.ts'
import type { ObjectStore } from '../../lake/store/store.ts'
import { factsOf, timeBetween } from '../../lineage/conditions.ts'
import type { EntityName } from '../../schemas/records.ts'
import { versionOf } from '../sources/goodreads/intake.ts'

/** What was published of one response under one key. */
interface Published {
  /** When the first of them arrived, in epoch ms. */
  atMs: number
  /** The first 16 digits of the SHA-256 of each value. */
  hashes: string[]
}

export interface PublishedIndex {
  of: (entity: EntityName, requestId: string, key: string) => Published | null
  /** Whether a value was published under the key, of whichever response: the poller leaves out what it had before. */
  has: (entity: EntityName, key: string, hash: string) => boolean
  /**
   * Versions of reviews (`versionOf`) that were published at any time, of whichever response: the poller publishes each once, in the
   * form that it met first.
   */
  reviews: Set<string>
}

export const HASH_DIGITS = 16
const REQUEST_ID = 'readflow.request-id'
const utf8 = new TextDecoder()

/** All versions in Bronze, however old: what a response repeats may have been published long before it. About 100 bytes each. */
const readReviewVersions = async (store: ObjectStore): Promise<Set<string>> => {
  const versions = new Set<string>()
  const root = 'bronze/reviews'
  const snapshot = await openTable(store, root).snapshot()
  const columns = ['review_id', 'date_updated', 'date_added']
  for await (const batch of scan(store, snapshot, { root, columns })) {
    const [ids, updated, added] = columns.map((name) => columnOf(batch, name)) as [never, never, never]
    for (let row = 0; row < batch.length; row++) {
      const [review_id, date_updated, date_added] = [valueAt(ids, row), valueAt(updated, row), valueAt(added, row)] as [
        string | null,
        number | null,
        number | null,
      ]
      if (review_id !== null) versions.add(versionOf({ review_id, date_updated, date_added }))
    }
  }
  return versions
}

/** What Bronze has of records that name the request they were made of, from a time on: about 300 bytes a record. */
export const readPublished = async (store: ObjectStore, entities: readonly EntityName[], fromMs: number): Promise<PublishedIndex> => {
  const found = new Map<string, Published>()
  const values = new Set<string>()
  const isSince = timeBetween('ingestion_timestamp', fromMs, Number.POSITIVE_INFINITY)
  for (const entity of entities) {
    const root = `bronze/${entity}`
    const snapshot = await openTable(store, root).snapshot()
    const columns = ['_key', '_headers', '_value_hash', 'ingestion_timestamp']
    for await (const batch of scan(store, snapshot, { root, columns, where: (file) => isSince.mayHold(factsOf(file)) })) {
      const [keys, headers, hashes, times] = columns.map((name) => columnOf(batch, name)) as [never, never, never, never]
      for (let row = 0; row < batch.length; row++) {
        const requestId = (valueAt(headers, row) as Record<string, string> | null)?.[REQUEST_ID]
        const [key, hash] = [valueAt(keys, row) as Uint8Array | null, valueAt(hashes, row) as string | null]
        if (requestId === undefined || key === null || hash === null) continue
        const id = `${entity} ${requestId} ${utf8.decode(key)}`
        values.add(`${entity} ${utf8.decode(key)} ${hash.slice(0, HASH_DIGITS)}`)
        const atMs = (valueAt(times, row) as number | null) ?? fromMs
        const before = found.get(id)
        if (!before) found.set(id, { atMs, hashes: [hash.slice(0, HASH_DIGITS)] })
        else {
          before.atMs = Math.min(before.atMs, atMs)
          before.hashes.push(hash.slice(0, HASH_DIGITS))
        }
      }
    }
  }
  return {
    of: (entity, requestId, key) => found.get(`${entity} ${requestId} ${key}`) ?? null,
    has: (entity, key, hash) => values.has(`${entity} ${key} ${hash}`),
    reviews: await readReviewVersions(store),
  }
}
