import type { AddFile } from '../../lake/delta/actions.ts'
import { readReplay } from '../../lake/replays.ts'
import type { RunHandle } from '../../lineage/runs/recorder.ts'
import type { Config } from '../../runtime/config/config.ts'
import { ReadflowError } from '../../runtime/errors.ts'
import type { Release } from '../../runtime/lifecycle.ts'
import type { Log } from '../../runtime/log.ts'
import { openBronzeSource } from '../replay/bronze-source.ts'
import { progressOf, swapIn } from '../replay/catch-up.ts'
import { createDerivation } from '../replay/derive.ts'
import { checkIdle, claimReplay, endReplay, giveUpReplay, newReplay, saveReplay } from '../replay/entry.ts'
import { openKafkaSource } from '../replay/kafka-source.ts'
import { openComparison, type openReplay } from '../replay/open.ts'
import { compare, lettersOf } from '../replay/replay.ts'
import { diffText, rangeText } from '../replay/report.ts'
import { ROLLBACK_REQUEST } from '../replay/request.ts'
import type { ReplayOf, Work } from '../replay/work.ts'
import { findLastReplay, type LastReplay } from './find.ts'
import { stageRowsOfBefore } from './restore-rows.ts'
import { overrideOf, workOf } from './work.ts'

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
  options: RollbackOptions,
): Promise<void> => {
  const { name, print } = options
  const { store, table, layer, topic, topicId, client, snapshot } = opened
  const say = (text: string) => void (config.isJson || print(text))
  for (const left of await checkIdle(store, name)) {
    if (left.state !== 'open' || left.request !== ROLLBACK_REQUEST) continue
    const state = await giveUpReplay(store, left)
    say(`the rollback ${left.id} that was left behind ${state === 'swapped' ? 'was done' : 'is given up, and begins anew'}\n`)
    if (state !== 'swapped') continue
    const version = (await readReplay(store, left.id))?.version ?? null
    return config.isJson ? print(`${JSON.stringify({ ok: true, table: name, id: left.id, version })}\n`) : undefined
  }
  const last = await findLastReplay(table, name)
  if (last.topicId !== topicId || last.clusterId !== client.clusterId)
    throw new ReadflowError('config', `The last replay of ${name} was of a topic that is no more; it can not be taken back.`)
  const work = workOf(last, { topic, tableId: snapshot.metadata?.id ?? '', layer, began: snapshot })
  const entry: Entry = { ...newReplay(name, ROLLBACK_REQUEST), work }
  // On record like a replay: what it stages is spared by vacuum, and no other one of the table begins meanwhile.
  await claimReplay(store, entry)
  try {
    const version = await takeBack(config, opened, { ...options, last, entry, say })
    await endReplay(store, entry, 'swapped', { version })
  } catch (error) {
    // It can not be gone on with. What has been committed, whatever was answered, is left.
    await giveUpReplay(store, entry).catch(() => undefined)
    throw error
  }
}

type Entry = ReplayOf & { work: Work }

const takeBack = async (
  config: Config,
  opened: Awaited<ReturnType<typeof openReplay>>,
  {
    name,
    run,
    print,
    log,
    signal,
    defer,
    last,
    entry,
    say,
  }: RollbackOptions & { last: LastReplay; entry: Entry; say: (text: string) => void },
): Promise<number> => {
  const { store, table, layer, topic, topicId, client, registry, limits, stageTable, bronze, producer, snapshot: began } = opened
  const { work } = entry
  const keepStaged = async (adds: readonly AddFile[]) => {
    entry.staged = [...entry.staged, ...adds]
    await saveReplay(store, entry)
  }
  const restored = await stageRowsOfBefore(table, name, last, keepStaged)
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
      await keepStaged(adds)
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
      info: { replay: entry.id },
      operation: 'ROLLBACK',
      parameters: { of: String(last.version) },
      override: overrideOf(last, { layer, work, restored, isComplete: stageTable.isComplete }),
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
  return version
}
