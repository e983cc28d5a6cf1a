import { ReadflowError } from '../../runtime/errors.ts'
import type { Action } from './actions.ts'
import { readEntries } from './load.ts'
import type { Table } from './table.ts'

/** More entries than this are not looked through: so many hardly leave the rows as they were. */
const MAX_ENTRIES = 1000

/**
 * Whether the rows of a table, or its columns, may be others at one version than at an older one. False where nothing
 * but progress was written in between, or files were only rewritten. True where the log does not tell any more.
 */
export const mayDiffer = async (table: Table, olderVersion: number, version: number): Promise<boolean> => {
  if (olderVersion === version) return false
  if (olderVersion > version || olderVersion < 0 || version - olderVersion > MAX_ENTRIES) return true
  try {
    const entries = await readEntries(table, olderVersion + 1, version)
    return entries.some((actions) => actions.some(isChange))
  } catch (error) {
    if (error instanceof ReadflowError && error.code === 'lake-not-found') return true
    throw error
  }
}

const isChange = (action: Action): boolean => {
  if ('add' in action) return action.add.dataChange !== false
  if ('remove' in action) return action.remove.dataChange !== false
  return 'metaData' in action || 'protocol' in action
}
