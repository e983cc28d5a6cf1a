import type { Snapshot } from '../../lake/delta/snapshot.ts'
import { appIdOf } from '../replay/swap.ts'
import { newPartitionWork, newWork, type PartitionWork, type Work } from '../replay/work.ts'
import { countersOf, gapsOf, readLedger } from '../sink/ledger.ts'
import type { Replay } from '../sink/partition.ts'
import type { Outcomes } from '../stage.ts'
import { countersAfterRollback } from './counters.ts'
import type { LastReplay } from './find.ts'

/** A rollback as work of which nothing is derived yet. */
export const workOf = (
  last: LastReplay,
  { topic, tableId, layer, began }: { topic: string; tableId: string; layer: 'bronze' | 'silver'; began: Snapshot },
): Work => {
  const of = { topicId: last.topicId, clusterId: last.clusterId }
  const partitions = last.ranges.map(({ partition, from, until }) => {
    const appId = appIdOf({ layer, work: of }, partition)
    const ledger = readLedger(began, appId)
    const before = readLedger(last.before, appId)
    const isLast = ledger.progress === until && before.progress === until
    return newPartitionWork({
      partition,
      from,
      to: until,
      position: until,
      undelivered: isLast ? before.tail : ledger.tail,
      epoch: ledger.epoch,
      beganAt: ledger.progress ?? until,
    })
  })
  const fields = last.before.metadata?.fields ?? []
  return newWork({ kind: 'rollback', topic, ...of, tableId, code: '', partitions, fields })
}

/** What is said of a partition that is taken back: its named gaps and counters of before. */
export const overrideOf =
  (
    last: LastReplay,
    {
      layer,
      work,
      restored,
      isComplete,
    }: { layer: 'bronze' | 'silver'; work: Work; restored: ReadonlyMap<number, Outcomes>; isComplete: boolean },
  ) =>
  (of: PartitionWork): Partial<Replay> => {
    const appId = appIdOf({ layer, work }, of.partition)
    const counts = {
      isComplete,
      without: countersOf(last.before, appId),
      with: countersOf(last.after, appId),
      restored: restored.get(of.partition) ?? {},
      tail: of.outcomes,
      deadInTail: of.deadBefore,
    }
    const until = of.to ?? of.position
    return {
      gapsAfter: gapsOf(last.before.metadata?.configuration ?? {}, { topicId: work.topicId, partition: of.partition }).filter(
        ({ from, to }) => from < until && to > of.from,
      ),
      countersAfter: (before, gone) => countersAfterRollback(counts, before, gone),
    }
  }
