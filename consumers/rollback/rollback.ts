import type { Snapshot } from '../../lake/delta/snapshot.ts'
import type { RunHandle } from '../../lineage/runs/recorder.ts'
import type { Config } from '../../runtime/config/config.ts'
import { ReadflowError } from '../../runtime/errors.ts'
import type { Release } from '../../runtime/lifecycle.ts'
import type { Log } from '../../runtime/log.ts'
import { openBronzeSource } from '../replay/bronze-source.ts'
import { progressOf, swapIn } from '../replay/catch-up.ts'
import { createDerivation } from '../replay/derive.ts'
import { checkIdle, newReplay } from '../replay/entry.ts'
import { openKafkaSource } from '../replay/kafka-source.ts'
import { openComparison, type openReplay } from '../replay/open.ts'
import { compare, lettersOf } from '../replay/replay.ts'
import { diffText, rangeText } from '../replay/report.ts'
import { appIdOf } from '../replay/swap.ts'
import { newPartitionWork, newWork, type PartitionWork, type ReplayOf, type Work } from '../replay/work.ts'
import { countersOf, gapsOf, readLedger } from '../sink/ledger.ts'
import type { Replay } from '../sink/partition.ts'
import type { Outcomes } from '../stage.ts'
import { countersAfterRollback } from './counters.ts'
import { findLastReplay, type LastReplay } from './find.ts'
import { stageRowsOfBefore } from './restore-rows.ts'

export interface RollbackOptions {
  name: string
  run: RunHandle
  /** Where the answer goes: text for people, or one JSON line. */
  print: (text: string) => void
  log: Log
  signal: AbortSignal
  defer: (release: Release) => void
}

/**
 * Puts back, in one commit, what the range of the last replay held before it. Of keys whose versions are others by that, the records
 * behind the range are judged again; everything else that came since stays.
 */
export const runRollback = async (
  config: Config,
  opened: Awaited<ReturnType<typeof openReplay>>,
  { name, run, print, log, signal, defer }: RollbackOptions,
): Promise<void> => {
  const { store, table, layer, topic, topicId, client, registry, limits, stageTable, bronze, producer, snapshot: began } = opened
  await checkIdle(store, name)
  const last = await findLastReplay(table, name)
  if (last.topicId !== topicId || last.clusterId !== client.clusterId)
    throw new ReadflowError('config', `The last replay of ${name} was of a topic that is no more; it can not be taken back.`)
  const say = (text: string) => void (config.isJson || print(text))
  const restored = await stageRowsOfBefore(table, name, last)
  const work = workOf(last, { topic, tableId: began.metadata?.id ?? '', layer, began })
  const entry: ReplayOf & { work: Work } = { ...newReplay(name, 'rollback'), staged: restored.adds, work }
  say(`${name}: taking back the replay of version ${last.version}, partition and offsets: ${rangeText(work.partitions)}\n`)
  const offsets = work.partitions.map(({ partition, from, to }) => `${partition}:${from}-${to}`).join(',')
  run.begin({ inputs: [{ type: 'topic', name: topic, version: offsets }], outputs: [{ type: 'table', name }] })
  const withFiles = await openComparison(config, { store, root: table.root, stagedStore: store, signal, defer })
  const context = { ...opened, entry, withFiles, log, signal, onWaiting: (text: string) => void process.stderr.write(`${text}\n`) }
  const { diff, keys } = await compare(context, began, { withKeys: layer === 'silver' })
  for (const of of work.partitions) of.keys = keys.get(of.partition) ?? []
  say(diffText(diff, work))

  const letters = [...keys.values()].some(({ length }) => length > 0) ? await lettersOf(context, began) : new Map()
  await stageTable.restore(
    began,
    work.partitions.map(({ partition, from }) => ({ topicId, partition, below: from })),
    { staged: entry.staged },
  )
  const kafka = openKafkaSource({ client, topic, topicId, limits, log })
  defer(() => kafka.close())
  const derivation = createDerivation({
    ...context,
    work,
    snapshot: began,
    staging: table,
    kafka,
    bronze: bronze && openBronzeSource({ ...bronze, topicId, registry, limits, onReencoded: () => void work.reencoded++ }),
    letters,
    keep: async (adds, outgoing) => {
      entry.staged = [...entry.staged, ...adds]
      await producer.send(outgoing)
    },
    onProgress: () => undefined,
  })
  await derivation.deriveTo(progressOf(layer, work, began))
  const version = await swapIn(context, {
    derivation,
    snapshot: began,
    input: {
      table,
      stageTable,
      layer,
      work,
      letters,
      known: new Map(),
      operation: 'ROLLBACK',
      parameters: { of: String(last.version) },
      override: overrideOf(last, { layer, work, restored: restored.counts, isComplete: stageTable.isComplete }),
    },
  })
  const { added, removed, changed } = diff
  run.note({ outputs: [{ type: 'table', name, version }], counts: { partitions: work.partitions.length, added, removed, changed } })
  say(`taken back as version ${version}\n`)
  const of = {
    table: name,
    of: last.version,
    version,
    partitions: work.partitions.map(({ partition, from, to }) => ({ partition, from, to })),
  }
  if (config.isJson) print(`${JSON.stringify({ ok: true, ...of, ...diff, records: work.records })}\n`)
}

const workOf = (
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

const overrideOf =
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
