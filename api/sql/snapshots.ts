import type { Snapshot } from '../../lake/delta/snapshot.ts'
import type { Table } from '../../lake/delta/table.ts'
import { type Published, readPublished } from '../../lake/published.ts'
import type { ObjectStore } from '../../lake/store/store.ts'
import { ReadflowError } from '../../runtime/errors.ts'
import { Problem } from '../http/problem.ts'
import { goneVersion } from '../http/wanted-version.ts'
import type { PinnedTable, SqlTable } from './views.ts'

/** The versions of tables that one query reads. */
export interface Pins {
  /** The Gold that it reads; null where none is published. */
  published: Published | null
  /** The table at its version; null for one that was not there yet. */
  pin: (table: SqlTable) => Promise<PinnedTable | null>
}

/**
 * Pins the tables for a query. Gold is of one published version: `version`, else `newest`. The others are as they are now; with a
 * `version`, Silver is what that was built from, and Bronze and `ops` as they were when it was published.
 */
export const pinTables = async (
  { store, tableAt }: { store: ObjectStore; tableAt: (root: string) => Table },
  { version, newest }: { version: number | undefined; newest: number | null },
): Promise<Pins> => {
  const asked = version ?? newest
  const published = asked === null ? null : await readPublished(store, { version: asked })
  if (version !== undefined && !published) throw goneVersion(version)

  const at = ({ root, layer }: SqlTable): { version?: number; timestampMs?: number } | null => {
    const name = root!.slice(root!.indexOf('/') + 1)
    const pinned =
      layer === 'gold' ? published?.tables[name] : layer === 'silver' && version !== undefined ? published?.inputs[name] : undefined
    if (pinned !== undefined) return pinned < 0 ? null : { version: pinned }
    if (layer === 'gold') return null
    return version === undefined ? {} : { timestampMs: Date.parse(published!.publishedAt) }
  }
  const pin: Pins['pin'] = async (table) => {
    const wanted = table.root === null ? null : at(table)
    if (!wanted) return null
    const snapshot = await tableAt(table.root!)
      .snapshot(wanted)
      .catch((error: unknown): Snapshot | null => {
        if (!(error instanceof ReadflowError) || error.code !== 'lake-not-found') throw error
        if (wanted.timestampMs !== undefined) return null
        throw new Problem(410, `${table.name} at that version is not kept any more: ${error.message}.`)
      })
    return snapshot && snapshot.version >= 0 ? { table, snapshot } : null
  }
  return { published, pin }
}
