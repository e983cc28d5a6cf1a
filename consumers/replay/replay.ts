import type { AddFile } from '../../lake/delta/actions.ts'
import type { Snapshot } from '../../lake/delta/snapshot.ts'
import type { Table } from '../../lake/delta/table.ts'
import type { ObjectStore } from '../../lake/store/store.ts'
import { ReadflowError } from '../../runtime/errors.ts'
import type { KafkaClient } from '../../runtime/kafka/client.ts'
import type { OutgoingRecord, Producer } from '../../runtime/kafka/producer.ts'
import type { Log } from '../../runtime/log.ts'
import { readDeadLetterOrigins } from '../sink/dead-letter-origins.ts'
import { counterId, readLedger } from '../sink/ledger.ts'
import { heldOffsets, type KnownFiles, mayHold, replaceRanges } from '../sink/replace-range.ts'
import { mergedFields } from '../sink/replay.ts'
import type { Outcomes, StageTable } from '../stage.ts'
import { createDerivation } from './derive.ts'
import { changedKeys, type DiffInput, diffRows, type RowDiff } from './diff.ts'
import { saveReplay } from './entry.ts'
import { type KnownLetters, keepLetters, readLetters } from './letters.ts'
import type { RecordSource } from './source.ts'
import { appIdOf, type SwapInput, swap } from './swap.ts'
import { isDerivedTo, type PartitionWork, type ReplayOf, type Work } from './work.ts'

export interface ReplayContext {
  store: ObjectStore
  client: KafkaClient
  producer: Pick<Producer, 'send'>
  table: Table
  stageTable: StageTable
  layer: 'bronze' | 'silver'
  entry: ReplayOf & { work: Work }
  isDryRun: boolean
  /** Where files are staged: the table itself, or for a dry run a folder of this process. */
  staging: Pick<Table, 'store' | 'root'>
  kafka: RecordSource
  bronze: RecordSource | null
  /** Has the files of the table and the staged ones as local files, and tells where each is. */
  withFiles: <T>(
    live: readonly AddFile[],
    staged: readonly AddFile[],
    use: (files: Pick<DiffInput, 'liveFile' | 'stagedFile' | 'duckdb'>) => Promise<T>,
  ) => Promise<T>
  /** Told of how far it is: offsets that are derived, of so many. */
  onProgress: (done: number, all: number) => void
  onDiff: (diff: RowDiff) => void
  onWaiting: (text: string) => void
  log: Log
  signal: AbortSignal
}

export interface Replayed {
  diff: RowDiff
  /** The version that the swap made; null where nothing differs, and for a dry run. */
  version: number | null
  isDifferent: boolean
}

/** So often the live consumer may come first before a person is asked to make room. */
const MAX_ROUNDS = 200
/** Less than this behind, a swap is tried. */
const CLOSE_OFFSETS = 10_000

/**
 * Carries a replay out from wherever it is: derives, compares, and swaps what differs in. Resolves once it is over, or for a
 * dry run once it is compared. Rejects with `lake-fenced` where another replay of a partition came first.
 */
export const carryOut = async (context: ReplayContext): Promise<Replayed> => {
  const { table, entry, layer, stageTable, isDryRun, store } = context
  const { work } = entry
  const began = await table.snapshot()
  const letters = await lettersOf(context, began)
  await stageTable.restore(
    began,
    work.partitions.map(({ partition, from }) => ({ topicId: work.topicId, partition, below: from })),
    entry.staged,
  )
  const keep = async (adds: readonly AddFile[], letters: readonly OutgoingRecord[]) => {
    entry.staged = [...entry.staged, ...adds]
    if (isDryRun) return
    if (letters.length > 0) work.letterFiles.push(await keepLetters(store, entry.id, work.letterFiles.length, letters))
    await saveReplay(store, entry)
  }
  let progress = progressOf(context, began)
  const derivation = createDerivation({
    ...context,
    work,
    snapshot: began,
    letters,
    keep,
    logStarts: async () => new Map((await context.client.topicOffsets(work.topic)).map(({ partition, logStart }) => [partition, logStart])),
    onProgress: () =>
      context.onProgress(
        sumOf(work.partitions, ({ position, from }) => position - from),
        totalOf(work, progress),
      ),
  })

  await derivation.deriveTo(progress)
  let snapshot = await table.snapshot()
  let diff = await compare(context, snapshot)
  if (work.partitions.some(({ to }) => to !== null) && layer === 'silver' && work.partitions.every(({ keys }) => keys === null)) {
    await withTails(context, snapshot)
    progress = progressOf(context, await table.snapshot())
    await derivation.deriveTo(progress)
    snapshot = await table.snapshot()
    if (work.partitions.some(({ keys }) => keys?.length)) diff = await compare(context, snapshot)
  }
  discountStale(context, began, letters)
  const isDifferent = diff.added + diff.removed + diff.changed > 0 || hasLetterChanges(work) || fillsGaps(work)
  context.onDiff(diff)
  if (isDryRun || !isDifferent) return { diff, version: null, isDifferent }

  for (const path of work.letterFiles) await context.producer.send(await readLetters(store, path))
  const known: KnownFiles = new Map()
  const input: SwapInput = { table, stageTable, layer, work, staged: entry.staged, letters, known, info: { replay: entry.id } }
  // The large part is rewritten before the race with the live consumer begins.
  await replaceRanges(table, snapshot, rangesOf(work), known)
  for (let round = 0; round < MAX_ROUNDS; round++) {
    context.signal.throwIfAborted()
    snapshot = await table.snapshot()
    checkEpochs(context, snapshot)
    progress = progressOf(context, snapshot)
    const behind = sumOf(work.partitions, (of) =>
      isDerivedTo(of, progress.get(of.partition) ?? 0) ? 0 : (progress.get(of.partition) ?? 0) - of.position,
    )
    if (behind > 0) {
      const sent = work.letterFiles.length
      await derivation.deriveTo(progress)
      for (const path of work.letterFiles.slice(sent)) await context.producer.send(await readLetters(store, path))
      if (behind > CLOSE_OFFSETS) continue
    }
    await checkTopic(context)
    try {
      const { version } = await swap({ ...input, staged: entry.staged }, snapshot)
      return { diff, version, isDifferent }
    } catch (error) {
      if (!(error instanceof ReadflowError && error.code === 'lake-fenced')) throw error
      if (round > 0 && round % 20 === 0) context.onWaiting('the live consumer commits faster than the swap; trying again')
    }
  }
  throw new ReadflowError('lake-conflict', `The live consumer came first ${MAX_ROUNDS} times in a row; what is derived is kept.`, {
    hint: `Run readflow pause ${layer}, the same command again, and readflow resume ${layer}.`,
  })
}

const sumOf = <T>(of: readonly T[], number: (each: T) => number): number => of.reduce((sum, each) => sum + number(each), 0)
const totalOf = ({ partitions }: Work, progress: ReadonlyMap<number, number>) =>
  sumOf(partitions, ({ partition, from, to, keys }) => (to === null || keys?.length ? (progress.get(partition) ?? from) : to) - from)

/**
 * A letter may be left of a record that an earlier replay found to be a repeat: nobody takes it back. Where the topic has more
 * letters than the table counts, those that go now were gone already.
 */
const discountStale = ({ entry: { work }, layer }: ReplayContext, { txns }: Snapshot, letters: ReadonlyMap<number, KnownLetters>) => {
  const go: Outcomes = {}
  for (const of of work.partitions) {
    for (const [errorClass, gone] of Object.entries(of.gone)) {
      const inTopic = [...(letters.get(of.partition)?.values() ?? [])].filter((each) => each === errorClass).length
      const counted = txns.get(counterId(appIdOf({ layer, work }, of.partition), `dead/${errorClass}`)) ?? 0
      const stale = Math.min(gone, Math.max(0, inTopic - counted))
      of.stale[errorClass] = stale
      if (gone > stale) go[errorClass] = (go[errorClass] ?? 0) + gone - stale
    }
  }
  work.letters.go = go
}

const hasLetterChanges = ({ letters: { come, go } }: Work): boolean => Object.keys(come).length > 0 || Object.keys(go).length > 0
const fillsGaps = ({ partitions }: Work): boolean => partitions.some(({ filled }) => filled > 0)

const rangesOf = ({ topicId, partitions }: Work) =>
  partitions.map(({ partition, from, to, keys }) => ({
    topicId,
    partition,
    from,
    ...(to === null ? {} : { to, ...(keys?.length ? { keys: new Set(keys) } : {}) }),
  }))

const progressOf = ({ entry, layer }: ReplayContext, snapshot: Snapshot): Map<number, number> =>
  new Map(
    entry.work.partitions.map(({ partition }) => [
      partition,
      readLedger(snapshot, appIdOf({ layer, work: entry.work }, partition)).progress ?? 0,
    ]),
  )

/** Dead letters whose record is none of the table's rows. */
const lettersOf = async ({ client, log, table, entry: { work }, stageTable }: ReplayContext, snapshot: Snapshot) => {
  if (stageTable.deadLetterTopic === null) return new Map<number, KnownLetters>()
  const wanted = work.partitions.map(({ partition }) => ({ topicId: work.topicId, partition, below: Number.POSITIVE_INFINITY }))
  const origins = await readDeadLetterOrigins({ client, log }, stageTable.deadLetterTopic, wanted)
  const held = await heldOffsets(table, snapshot, wanted, origins)
  return new Map(
    wanted.map(({ partition }, index) => [
      partition,
      new Map([...(origins[index] ?? [])].filter(([offset]) => !held[index]?.has(offset))) as KnownLetters,
    ]),
  )
}

/** The live files that may hold rows of the ranges, beside the staged ones. */
const compare = (context: ReplayContext, snapshot: Snapshot): Promise<RowDiff> => withDiffInput(context, snapshot, diffRows)

const withDiffInput = async <T>(context: ReplayContext, snapshot: Snapshot, use: (input: DiffInput) => Promise<T>): Promise<T> => {
  const { layer, entry } = context
  const { work } = entry
  if (!snapshot.metadata) throw new ReadflowError('lake-not-found', `there is no table ${entry.table} any more`)
  const { metadata } = snapshot
  const ranges = rangesOf(work)
  const live = new Map([...snapshot.files].filter(([, file]) => ranges.some((range) => mayHold(file, range))))
  const staged = new Map(entry.staged.map((file) => [file.path, file]))
  return context.withFiles([...live.values()], [...staged.values()], (files) =>
    use({
      ...files,
      metadata,
      fields: mergedFields(metadata.fields, work.fields),
      topicId: work.topicId,
      works: work.partitions,
      live,
      staged,
      layer,
    }),
  )
}

/** Finds the keys whose later records must be judged again, as what came before these is another now. */
const withTails = async (context: ReplayContext, snapshot: Snapshot) => {
  const { work } = context.entry
  const keys = await withDiffInput(context, snapshot, async (input) => {
    await diffRows(input)
    return changedKeys(input.duckdb)
  })
  for (const of of work.partitions) if (of.to !== null) of.keys = keys.get(of.partition) ?? []
  if (!context.isDryRun) await saveReplay(context.store, context.entry)
}

const checkEpochs = ({ entry, layer }: ReplayContext, snapshot: Snapshot) => {
  const isMoved = ({ partition, epoch }: PartitionWork) =>
    readLedger(snapshot, appIdOf({ layer, work: entry.work }, partition)).epoch !== epoch
  const moved = entry.work.partitions.find(isMoved)
  if (moved)
    throw new ReadflowError(
      'lake-fenced',
      `Another replay of ${entry.table}, partition ${moved.partition}, came first; this one changed nothing.`,
      {
        hint: 'Run the same command again to derive on top of it.',
      },
    )
}

const checkTopic = async ({ client, entry: { work } }: ReplayContext) => {
  const now = (await client.topicIds([work.topic])).get(work.topic)
  if (now !== work.topicId)
    throw new ReadflowError(
      'topic-changed',
      `The topic ${work.topic} was deleted and made anew while it was read; the table keeps its rows.`,
    )
}
