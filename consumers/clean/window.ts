import type { AddFile } from '../../lake/delta/actions.ts'
import { boundsOf, mayHold, type Origin } from './rows.ts'

/** What is to be published of each partition that is behind: offsets `from` to `to` (exclusive). */
export type Ranges = ReadonlyMap<number, { from: number; to: number }>

export interface WindowOptions {
  topicId: string
  files: readonly AddFile[]
  ranges: Ranges
  maxRows: number
  /** Where the rows of some files come from. */
  origins: (files: readonly AddFile[]) => AsyncIterable<Origin>
}

/** The files that may have rows of some ranges. */
export const filesWithin = (files: readonly AddFile[], ranges: Ranges): AddFile[] =>
  files.filter((file) => [...ranges].some(([partition, range]) => mayHold(file, { partition, ...range })))

/**
 * Up to which offset each range goes so that all of them have about `maxRows` rows, whatever the order of the rows in the
 * files: compaction sorts them anew. In memory are twice as many offsets.
 */
export const takeWindow = async ({ topicId, files, ranges, maxRows, origins }: WindowOptions): Promise<Map<number, number>> => {
  const relevant = filesWithin(files, ranges)
  const whole = new Map([...ranges].map(([partition, { to }]) => [partition, to]))
  if (relevant.reduce((sum, file) => sum + boundsOf(file).rows, 0) <= maxRows) return whole
  const share = Math.max(1, Math.floor(maxRows / ranges.size))
  const least = new Map([...ranges.keys()].map((partition) => [partition, [] as number[]]))
  const cut = (offsets: number[]) => {
    offsets.sort((a, b) => a - b)
    offsets.length = Math.min(offsets.length, share)
  }
  for (const file of relevant.sort((a, b) => boundsOf(a).least - boundsOf(b).least)) {
    const isPast = (offsets: number[]) => offsets.length >= share && boundsOf(file).least > (offsets[share - 1] ?? 0)
    for (const offsets of least.values()) cut(offsets)
    if ([...least.values()].every(isPast)) break
    for await (const origin of origins([file])) {
      const range = ranges.get(origin.partition)
      if (!range || origin.topicId !== topicId || origin.offset < range.from || origin.offset >= range.to) continue
      const offsets = least.get(origin.partition) ?? []
      offsets.push(origin.offset)
      if (offsets.length >= share * 2 + 1024) cut(offsets)
    }
  }
  for (const offsets of least.values()) cut(offsets)
  return new Map(
    [...whole].map(([partition, to]) => {
      const offsets = least.get(partition) ?? []
      return [partition, offsets.length >= share ? Math.min(to, (offsets[share - 1] ?? 0) + 1) : to]
    }),
  )
}
