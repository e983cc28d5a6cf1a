import type { Table } from '../../lake/delta/table.ts'
import type { ObjectStore } from '../../lake/store/store.ts'
import type { GoldName } from '../tables.ts'

/** What the gate reads and writes. */
export interface GateTables {
  store: ObjectStore
  gold: Readonly<Record<GoldName, Table>>
  nowMs: () => number
}
