import { ReadflowError } from '../../runtime/errors.ts'
import { END_BYTES, footerLength } from '../parquet/footer.ts'
import { type Action, type AddFile, filePath, type RemoveFile } from './actions.ts'
import { MAX_CHANGE_ENTRIES } from './data-change.ts'
import { readEntries } from './load.ts'
import type { Table } from './table.ts'

/** A data file that is, or was, in a table. */
export type DataFile = Pick<AddFile, 'path' | 'size' | 'partitionValues' | 'stats'>

/** The files whose rows came into a table, and those whose rows left it. A file may be in both, and need not be live any more. */
export interface ChangedFiles {
  added: DataFile[]
  removed: DataFile[]
}

/**
 * What changed the rows of a table after one version and up to another: every row that is new, gone or replaced lies in
 * one of these files. Files that were only rewritten are not among them. An older version of -1 is the table before its
 * first commit. Null where that can't be told any more, or a file is gone or cut short, or there is too much of it to look through.
 */
export const changedFiles = async (table: Table, olderVersion: number, version: number): Promise<ChangedFiles | null> => {
  if (olderVersion === version) return { added: [], removed: [] }
  if (olderVersion > version || version - olderVersion > MAX_CHANGE_ENTRIES) return null
  try {
    const actions = (await readEntries(table, olderVersion + 1, version)).flat()
    if (actions.some(isProtocol) && olderVersion >= 0) return null
    const removed = actions.flatMap((action) => ('remove' in action && action.remove.dataChange !== false ? [action.remove] : []))
    if (!removed.every(isDescribed)) return null
    const added = actions.flatMap((action) => ('add' in action && action.add.dataChange !== false ? [action.add] : []))
    const { files } = await table.snapshot({ version })
    for (const { path, size } of [...added, ...removed]) {
      if (files.has(path)) continue
      // One that is not live may have been vacuumed, or was taken out as it is damaged; its end says whether it is whole.
      const end = await table.store.getRange(`${table.root}/${filePath(path)}`, Math.max(0, size - END_BYTES), size)
      if (footerLength(end) === null) return null
    }
    return { added, removed }
  } catch (error) {
    if (error instanceof ReadflowError && error.code === 'lake-not-found') return null
    throw error
  }
}

const isProtocol = (action: Action) => 'protocol' in action

/** Delta leaves these out where a writer does not give them. */
const isDescribed = (remove: RemoveFile): remove is RemoveFile & DataFile =>
  remove.size !== undefined && remove.partitionValues !== undefined
