import { ReadflowError } from '../../runtime/errors.ts'
import type { Action } from './actions.ts'
import { readEntries } from './load.ts'
import type { Table } from './table.ts'

/** More entries than this are not looked through: so many hardly leave the rows as they were. */
export const MAX_CHANGE_ENTRIES = 1000

/** What a table was found not to differ in: it is asked again and again while nothing but progress comes. */
const unchanged = new WeakMap<Table, { from: number; to: number }>()

/**
 * Whether the rows of a table, or its columns, may be others at one version than at an older one. False where nothing
 * but progress was written in between, or files were only rewritten. True where the log does not tell any more. Asked
 * again of the same older version, only the entries since the last answer are read.
 */
export const mayDiffer = async (table: Table, olderVersion: number, version: number): Promise<boolean> => {
  const known = unchanged.get(table)
  const from = known?.from === olderVersion && known.to <= version ? known.to : olderVersion
  if (from === version) return false
  if (from > version || from < 0 || version - from > MAX_CHANGE_ENTRIES) return true
  try {
    const entries = await readEntries(table, from + 1, version)
    if (entries.some((actions) => actions.some(isChange))) return true
  } catch (error) {
    if (error instanceof ReadflowError && error.code === 'lake-not-found') return true
    throw error
  }
  unchanged.set(table, { from: olderVersion, to: version })
  return false
}

const isChange = (action: Action): boolean => {
  if ('add' in action) return action.add.dataChange !== false
  if ('remove' in action) return action.remove.dataChange !== false
  return 'metaData' in action || 'protocol' in action
}
