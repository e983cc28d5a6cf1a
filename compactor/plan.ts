import type { Partition } from './partitions.ts'

/** Name of the tag of a file that holds the digest of its content. */
export const DIGEST_TAG = 'readflow.digest'

/** What a plan needs to know of a live file. */
export interface LiveFile {
  path: string
  partitionValues: Readonly<Record<string, string | null>>
  tags?: Readonly<Record<string, string>> | undefined
}

export interface TablePlan<F extends LiveFile> {
  /** Partitions whose content is new. */
  write: Partition[]
  /** Files that hold what is no longer so. */
  remove: F[]
  /** Files that hold what the build derived again. */
  keep: F[]
}

const keyOf = (values: Readonly<Record<string, string | null>>) =>
  JSON.stringify(Object.entries(values).sort(([a], [b]) => (a < b ? -1 : 1)))

/** Which partitions a build must write and which files it replaces: those whose content differs. Pure. */
export const planTable = <F extends LiveFile>(live: Iterable<F>, partitions: readonly Partition[]): TablePlan<F> => {
  const byKey = Map.groupBy(live, (file) => keyOf(file.partitionValues))
  const plan: TablePlan<F> = { write: [], remove: [], keep: [] }
  for (const partition of partitions) {
    const key = keyOf(partition.values)
    const files = byKey.get(key) ?? []
    byKey.delete(key)
    if (files.length === 1 && files[0]!.tags?.[DIGEST_TAG] === partition.digest) plan.keep.push(files[0]!)
    else {
      plan.write.push(partition)
      plan.remove.push(...files)
    }
  }
  plan.remove.push(...[...byKey.values()].flat())
  return plan
}
