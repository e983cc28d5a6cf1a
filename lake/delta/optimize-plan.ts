import type { AddFile } from './actions.ts'

export interface OptimizeLimits {
  /** Size of the files to make, in bytes; files of less than half of it are small. */
  targetBytes: number
  /** How many small files of like size a partition must have before they are worth a rewrite; at least 2. */
  minFiles: number
  /** Epoch milliseconds: in a partition that got no file since, two small files are enough. */
  settledBeforeMs?: number
}

/** Small files of one partition that become one file. */
export interface FileGroup {
  partitionValues: Record<string, string | null>
  /** Two or more, oldest first. */
  files: AddFile[]
}

/** More files at once cost memory, as a footer of each is held; what is left over is merged in the next round. */
const MAX_FILES = 256
/** Files of one tier differ in size by less than this factor. */
const TIER_FACTOR = 8
const LOWEST_TIER_BYTES = 128 * 1024

/**
 * The groups of small files that are worth merging, partition by partition. Pure. Files are merged with those of like
 * size, so that a row is rewritten a few times until its file is large, and not each time that some rows come. A file
 * with tags is left alone: they say something of exactly this file.
 */
export const planOptimize = ({ files: live }: { files: Iterable<AddFile> }, limits: OptimizeLimits): FileGroup[] => {
  const partitions = new Map<string, AddFile[]>()
  for (const file of live) {
    if (file.tags && Object.keys(file.tags).length > 0) continue
    const key = JSON.stringify(Object.entries(file.partitionValues).sort(([a], [b]) => (a < b ? -1 : 1)))
    const files = partitions.get(key)
    if (files) files.push(file)
    else partitions.set(key, [file])
  }
  return [...partitions.values()].flatMap((files) => grouped(worthMerging(files, limits), limits.targetBytes))
}

const tierOf = ({ size }: AddFile): number =>
  size < LOWEST_TIER_BYTES ? 0 : 1 + Math.floor(Math.log(size / LOWEST_TIER_BYTES) / Math.log(TIER_FACTOR))

/** The small files of a partition up to the highest tier that has enough of them; those below it go along. */
const worthMerging = (files: readonly AddFile[], { targetBytes, minFiles, settledBeforeMs = 0 }: OptimizeLimits): AddFile[] => {
  const small = files.filter(({ size }) => size * 2 < targetBytes)
  if (files.every(({ modificationTime }) => modificationTime < settledBeforeMs)) return small
  const counts = new Map<number, number>()
  for (const file of small) counts.set(tierOf(file), (counts.get(tierOf(file)) ?? 0) + 1)
  const full = [...counts].filter(([, count]) => count >= minFiles).map(([tier]) => tier)
  const highest = Math.max(-1, ...full)
  return small.filter((file) => tierOf(file) <= highest)
}

/** Neighbours in time, which are neighbours in offsets too, go into one file. */
const grouped = (files: readonly AddFile[], targetBytes: number): FileGroup[] => {
  const groups: FileGroup[] = []
  let sizeBytes = Number.POSITIVE_INFINITY
  for (const file of [...files].sort(byAge)) {
    const last = groups.at(-1)
    if (last && sizeBytes + file.size <= targetBytes && last.files.length < MAX_FILES) {
      last.files.push(file)
      sizeBytes += file.size
    } else {
      groups.push({ partitionValues: file.partitionValues, files: [file] })
      sizeBytes = file.size
    }
  }
  return groups.filter((group) => group.files.length > 1)
}

/** The sort is stable: files of the same millisecond stay in the order of the log. */
const byAge = (a: AddFile, b: AddFile): number => a.modificationTime - b.modificationTime
