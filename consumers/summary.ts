import { rowCount } from '../lake/delta/snapshot.ts'
import { openTable } from '../lake/delta/table.ts'
import type { ObjectStore } from '../lake/store/store.ts'
import { entityNames } from '../schemas/catalogue.ts'
import type { Outcomes } from './stage.ts'

interface SummaryInput {
  store: ObjectStore
  outcomes: Record<string, Record<string, Outcomes>>
  startedMs: number
}

const rowsOf = async (store: ObjectStore, root: string): Promise<number> => rowCount(await openTable(store, root).snapshot()) ?? 0

const sum = (outcomes: Record<string, Outcomes> | undefined, name: string) =>
  Object.values(outcomes ?? {}).reduce((total, of) => total + (of[name] ?? 0), 0)

/** What `consume --once` prints: rows in the tables, and what became of the records of this run. */
export const summarize = async ({ store, outcomes, startedMs }: SummaryInput) => {
  const tables: Record<string, Record<string, number>> = { bronze: {}, silver: {} }
  for (const layer of ['bronze', 'silver'])
    for (const entity of entityNames) (tables[layer] as Record<string, number>)[entity] = await rowsOf(store, `${layer}/${entity}`)
  return {
    ok: true,
    seconds: Math.round((Date.now() - startedMs) / 100) / 10,
    ...tables,
    repeats: sum(outcomes['silver'], 'repeat'),
    late: sum(outcomes['silver'], 'late'),
    deadLetters: sum(outcomes['silver'], 'dead'),
  }
}
