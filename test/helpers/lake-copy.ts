import { cp, mkdtemp } from 'node:fs/promises'
import path from 'node:path'
import { appendValue, type ColumnBatch, columnOf, newColumn, valueAt } from '../../lake/columns/column.ts'
import type { AddFile } from '../../lake/delta/actions.ts'
import { type CommitPlan, commit } from '../../lake/delta/commit.ts'
import { scan } from '../../lake/delta/scan.ts'
import { stageFiles } from '../../lake/delta/stage.ts'
import { openTable } from '../../lake/delta/table.ts'
import { openStore } from '../../lake/store/open.ts'

/** A copy of a lake in a new folder below `parent`, and ways to break its tables. */
export const copyLake = async (lake: string, parent: string) => {
  const dir = await mkdtemp(path.join(parent, 'copy-'))
  await cp(lake, dir, { recursive: true })
  const store = openStore(`file:${dir}`)
  const write = async (root: string, plan: Partial<CommitPlan>) => {
    const { metadata } = await openTable(store, root).snapshot()
    await commit(openTable(store, root), {
      operation: 'TEST',
      fields: metadata?.fields ?? [],
      partitionColumns: metadata?.partitionColumns ?? [],
      ...plan,
    })
  }
  const filesOf = async (root: string): Promise<AddFile[]> => [...(await openTable(store, root).snapshot()).files.values()]
  /** The rows of one file. */
  const rowsOf = async (root: string, file: AddFile): Promise<ColumnBatch> => {
    const snapshot = await openTable(store, root).snapshot()
    const columns = snapshot.metadata?.fields.map(({ name }) => name) ?? []
    for await (const batch of scan(store, snapshot, { root, columns, where: ({ path: at }) => at === file.path })) return batch
    throw new Error('no such file')
  }
  /** Puts other rows in the place of a file. */
  const rewrite = async (root: string, change: (batch: ColumnBatch) => ColumnBatch): Promise<ColumnBatch> => {
    const [file] = await filesOf(root)
    const before = await rowsOf(root, file!)
    const { metadata } = await openTable(store, root).snapshot()
    const adds = await stageFiles({ store, root }, change(before), { partitionColumns: metadata?.partitionColumns ?? [] })
    await write(root, { removes: [file!], adds })
    return before
  }
  return { dir, store, write, filesOf, rowsOf, rewrite }
}

/** Where the rows come from. */
export const placesOf = (batch: ColumnBatch) =>
  Array.from({ length: batch.length }, (_, row) => ({
    partition: valueAt(columnOf(batch, '_partition'), row) as number,
    offset: valueAt(columnOf(batch, '_offset'), row) as number,
  }))
/** The batch with another value in one column of its first row. */
export const withFirst = (batch: ColumnBatch, name: string, value: unknown): ColumnBatch => {
  const at = batch.fields.findIndex((field) => field.name === name)
  const column = newColumn(batch.fields[at]!.type)
  for (let row = 0; row < batch.length; row++) appendValue(column, row === 0 ? value : valueAt(batch.columns[at]!, row))
  return { ...batch, columns: batch.columns.with(at, column) }
}
