import { openTable } from '../../lake/delta/table.ts'
import { readPublished } from '../../lake/published.ts'
import { tableSql } from '../../lake/sql.ts'
import type { ObjectStore } from '../../lake/store/store.ts'

/** SELECTs of the published Gold tables of a lake in a folder, by name. */
export const goldRelations = async (store: ObjectStore): Promise<Record<string, string>> => {
  const published = await readPublished(store)
  const relations: Record<string, string> = {}
  for (const [name, version] of Object.entries(published?.tables ?? {})) {
    const snapshot = await openTable(store, `gold/${name}`).snapshot({ version })
    relations[name] = `(${tableSql({ snapshot, localPath: (file) => store.localPath(`gold/${name}/${file}`) ?? '' })})`
  }
  return relations
}

/** Puts the relations in the place of `{name}` in a query. */
export const withRelations = (sql: string, relations: Readonly<Record<string, string>>): string =>
  sql.replaceAll(/\{(\w+)\}/g, (_, name: string) => relations[name] ?? name)
