import { openTable } from '../../lake/delta/table.ts'
import type { ObjectStore } from '../../lake/store/store.ts'
import { isRetriable, ReadflowError } from '../../runtime/errors.ts'
import { entityNames, topicNames } from '../../schemas/catalogue.ts'
import type { TopicName } from '../../schemas/records.ts'
import { type Damage, tableName } from './report.ts'
import type { PinnedTable } from './tables.ts'

export interface PinnedTables {
  bronze: Map<TopicName, PinnedTable>
  silver: Map<TopicName, PinnedTable>
  /** Tables that no version of can be read, and why. They are not among the pinned ones. */
  damage: Damage[]
}

const WHAT_TO_DO =
  "Bring the file back from a copy of the lake, or stop consume, move the table's folder out of the lake and start it again: it derives the table anew from Kafka."

/**
 * Every table at its newest version. Silver before Bronze, so that Bronze tends to have what Silver has. A log that can
 * not be read is damage; a store that does not answer is none, and rejects.
 */
export const pinTables = async (store: ObjectStore): Promise<PinnedTables> => {
  const damage: Damage[] = []
  const pin = async (layer: string, names: readonly TopicName[]) => {
    const pinned = new Map<TopicName, PinnedTable>()
    for (const name of names) {
      const root = `${layer}/${name}`
      try {
        const snapshot = await openTable(store, root).snapshot()
        const orphan = snapshot.version < 0 ? await firstDataFile(store, root) : null
        if (orphan !== null) throw new ReadflowError('lake-invalid', `${root} has data files, such as ${orphan}, and no log.`)
        if (snapshot.version >= 0 && snapshot.metadata === null)
          throw new ReadflowError('lake-invalid', `the log of ${root} says nothing of the table's columns.`)
        pinned.set(name, { root, snapshot })
      } catch (error) {
        if (!(error instanceof ReadflowError) || isRetriable(error) || error.code === 'stopped') throw error
        const text = /[.!]$/.test(error.message) ? error.message : `${error.message}.`
        damage.push({ table: tableName(root), fault: `${text} ${error.hint ?? WHAT_TO_DO}` })
      }
    }
    return pinned
  }
  return { silver: await pin('silver', entityNames), bronze: await pin('bronze', topicNames), damage }
}

const firstDataFile = async (store: ObjectStore, root: string): Promise<string | null> => {
  for await (const { path } of store.list(`${root}/`)) if (path.endsWith('.parquet')) return path
  return null
}
