import { columnOf, valueAt } from '../../lake/columns/column.ts'
import { scan } from '../../lake/delta/scan.ts'
import { openTable } from '../../lake/delta/table.ts'
import { openStore } from '../../lake/store/open.ts'

/** All rows of a table, the named columns only. */
export const readRows = async (lakeUrl: string, root: string, columns: string[]): Promise<Record<string, unknown>[]> => {
  const store = openStore(lakeUrl)
  try {
    const rows: Record<string, unknown>[] = []
    for await (const batch of scan(store, await openTable(store, root).snapshot(), { root, columns })) {
      const read = columns.map((name) => columnOf(batch, name))
      for (let row = 0; row < batch.length; row++)
        rows.push(Object.fromEntries(columns.map((name, index) => [name, valueAt(read[index]!, row)])))
    }
    return rows
  } finally {
    await store.close()
  }
}

/** Offsets of a Bronze table by partition, sorted: each delivered offset stands there once. */
export const bronzeOffsets = async (lakeUrl: string, entity: string): Promise<Map<number, number[]>> => {
  const rows = await readRows(lakeUrl, `bronze/${entity}`, ['_partition', '_offset'])
  const offsets = new Map<number, number[]>()
  for (const { _partition, _offset } of rows) {
    const list = offsets.get(_partition as number) ?? []
    list.push(_offset as number)
    offsets.set(_partition as number, list)
  }
  for (const list of offsets.values()) list.sort((a, b) => a - b)
  return offsets
}
