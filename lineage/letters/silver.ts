import { type Column, columnOf, valueAt } from '../../lake/columns/column.ts'
import type { AddFile } from '../../lake/delta/actions.ts'
import { scan } from '../../lake/delta/scan.ts'
import type { Snapshot } from '../../lake/delta/snapshot.ts'
import type { ObjectStore } from '../../lake/store/store.ts'
import { factsOf, longIs } from '../conditions.ts'
import { type Position, positionId } from './headers.ts'
import type { SilverFindings } from './states.ts'

export interface SilverLook {
  store: Pick<ObjectStore, 'getRange'>
  /** Such as `silver/books`. */
  root: string
  snapshot: Snapshot
  clusterId: string
  /** The id that the topic has now; null where there is no such topic. */
  topicId: string | null
  signal?: AbortSignal | undefined
}

/** What one version of a Silver table says of some records, by its ledger and by the rows of the files that may have them. */
export const lookInSilver = async (
  { store, root, snapshot, clusterId, topicId, signal }: SilverLook,
  positions: readonly Position[],
): Promise<SilverFindings> => {
  const wanted = offsetsOf(positions)
  const spans = [...wanted].map(([partition, { sorted }]) => ({ isOf: longIs('_partition', partition), sorted }))
  const accepted = new Set<string>()
  const where = (file: AddFile) => {
    const facts = factsOf(file)
    const [least, most] = [facts.min['_offset'], facts.max['_offset']]
    return spans.some(({ isOf, sorted }) => isOf.mayHold(facts) && hasBetween(sorted, least, most))
  }
  const columns = ['_topic_id', '_partition', '_offset']
  if (spans.length > 0)
    for await (const batch of scan(store, snapshot, { root, columns, where })) {
      signal?.throwIfAborted()
      const [topicIds, partitions, offsets] = columns.map((name) => columnOf(batch, name)) as [Column, Column, Column]
      for (let row = 0; row < batch.length; row++) {
        // Most rows are of no letter: numbers tell that without making a text of each.
        const partition = valueAt(partitions, row) as number
        const offset = valueAt(offsets, row) as number
        const of = wanted.get(partition)?.topicIds.get(offset)
        if (of === undefined) continue
        const topicId = valueAt(topicIds, row) as string
        if (of.includes(topicId)) accepted.add(positionId({ topicId, partition, offset }))
      }
    }
  const progressOf = (of: Position) => snapshot.txns.get(`silver/${clusterId}/${of.topicId}/${of.partition}`) ?? -1
  const hasPassed = (of: Position) => progressOf(of) > of.offset
  const isLost = (of: Position) => (hasPassed(of) ? isInGap(snapshot, of) : of.topicId !== topicId)
  return { accepted, hasPassed, isLost }
}

interface Offsets {
  /** Of which topics an offset is wanted; of mostly one. */
  topicIds: Map<number, string[]>
  sorted: Float64Array
}

/** What is wanted of each partition, whichever topic it is of. */
const offsetsOf = (positions: readonly Position[]): ReadonlyMap<number, Offsets> => {
  const wanted = new Map<number, Offsets['topicIds']>()
  for (const { topicId, partition, offset } of positions) {
    const topicIds = wanted.get(partition) ?? new Map<number, string[]>()
    wanted.set(partition, topicIds)
    const of = topicIds.get(offset)
    if (of === undefined) topicIds.set(offset, [topicId])
    else if (!of.includes(topicId)) of.push(topicId)
  }
  return new Map([...wanted].map(([partition, topicIds]) => [partition, { topicIds, sorted: Float64Array.from(topicIds.keys()).sort() }]))
}

/** Whether one of some sorted numbers is neither below nor above two bounds; a bound that is missing holds anything. */
const hasBetween = (sorted: Float64Array, least: unknown, most: unknown): boolean => {
  if (typeof least !== 'number' || typeof most !== 'number') return true
  let [from, to] = [0, sorted.length]
  while (from < to) {
    const middle = (from + to) >> 1
    if (sorted[middle]! < least) from = middle + 1
    else to = middle
  }
  return from < sorted.length && sorted[from]! <= most
}

/** Whether a person had the record left out: a named gap of the table. */
const isInGap = ({ metadata }: Snapshot, { topicId, partition, offset }: Position): boolean => {
  const prefix = `readflow.gap.${topicId}.${partition}.`
  return Object.entries(metadata?.configuration ?? {}).some(([name, text]) => {
    if (!name.startsWith(prefix) || Number(name.slice(prefix.length)) > offset) return false
    try {
      return (JSON.parse(text) as { to?: number }).to! > offset
    } catch {
      return false // a property that does not parse is none of ours
    }
  })
}
