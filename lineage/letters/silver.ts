import { type Column, columnOf, valueAt } from '../../lake/columns/column.ts'
import type { AddFile } from '../../lake/delta/actions.ts'
import { scan } from '../../lake/delta/scan.ts'
import type { Snapshot } from '../../lake/delta/snapshot.ts'
import type { ObjectStore } from '../../lake/store/store.ts'
import { factsOf, longBetween, longIs } from '../conditions.ts'
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
}

/** What one version of a Silver table says of some records, by its ledger and by the rows of the files that may have them. */
export const lookInSilver = async (
  { store, root, snapshot, clusterId, topicId }: SilverLook,
  positions: readonly Position[],
): Promise<SilverFindings> => {
  const wanted = new Map<string, Set<number>>()
  for (const { topicId: of, partition, offset } of positions) {
    const key = `${of}/${partition}`
    const offsets = wanted.get(key) ?? new Set()
    wanted.set(key, offsets.add(offset))
  }
  const spans = [...wanted].map(([key, offsets]) => {
    const partition = Number(key.slice(key.lastIndexOf('/') + 1))
    return [longIs('_partition', partition), longBetween('_offset', ...bounds(offsets))]
  })
  const accepted = new Set<string>()
  const where = (file: AddFile) => {
    const facts = factsOf(file)
    return spans.some((conditions) => conditions.every(({ mayHold }) => mayHold(facts)))
  }
  const columns = ['_topic_id', '_partition', '_offset']
  if (spans.length > 0)
    for await (const batch of scan(store, snapshot, { root, columns, where })) {
      const [topicIds, partitions, offsets] = columns.map((name) => columnOf(batch, name)) as [Column, Column, Column]
      for (let row = 0; row < batch.length; row++) {
        const position = {
          topicId: valueAt(topicIds, row) as string,
          partition: valueAt(partitions, row) as number,
          offset: valueAt(offsets, row) as number,
        }
        if (wanted.get(`${position.topicId}/${position.partition}`)?.has(position.offset)) accepted.add(positionId(position))
      }
    }
  const progressOf = (of: Position) => snapshot.txns.get(`silver/${clusterId}/${of.topicId}/${of.partition}`) ?? -1
  const hasPassed = (of: Position) => progressOf(of) > of.offset
  const isLost = (of: Position) => (hasPassed(of) ? isInGap(snapshot, of) : of.topicId !== topicId)
  return { accepted, hasPassed, isLost }
}

/** The least and the greatest, without spreading them all on the stack. */
const bounds = (numbers: Iterable<number>): [number, number] => {
  let [least, most] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]
  for (const each of numbers) [least, most] = [Math.min(least, each), Math.max(most, each)]
  return [least, most]
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
