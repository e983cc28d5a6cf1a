import type { AddFile } from '../../lake/delta/actions.ts'
import type { Snapshot } from '../../lake/delta/snapshot.ts'
import { ReadflowError } from '../../runtime/errors.ts'
import type { OutgoingRecord } from '../../runtime/kafka/producer.ts'
import { readDeadLetterOrigins } from '../sink/dead-letter-origins.ts'
import { counterId } from '../sink/ledger.ts'
import { heldOffsets, mayHold } from '../sink/replace-range.ts'
import { mergedFields } from '../sink/replay.ts'
import { progressOf, swapIn } from './catch-up.ts'
import type { ReplayContext } from './context.ts'
import { createDerivation } from './derive.ts'
import { changedKeys, diffRows, type RowDiff } from './diff.ts'
import { saveReplay } from './entry.ts'
import { discountStale, type KnownLetters, keepLetters } from './letters.ts'
import { countedAnew, findLost, knownOfLost, withoutLost } from './lost-files.ts'
import { appIdOf, rangesOf, type SwapInput } from './swap.ts'
import type { Work } from './work.ts'

export interface Replayed {
  diff: RowDiff
  /** The version that the swap made; null where nothing differs, and for a dry run. */
  version: number | null
  isDifferent: boolean
  /** Files of the table that are gone or can not be read: their rows count as gone, and are derived again. */
  lost: readonly AddFile[]
}

/**
 * Carries a replay out from wherever it is: derives, compares, and swaps what differs in. Resolves once it is over, or for a
 * dry run once it is compared. Rejects with `lake-fenced` where another replay of a partition came first.
 */
export const carryOut = async (context: ReplayContext): Promise<Replayed> => {
  const { table, entry, layer, stageTable, isDryRun, store } = context
  const { work } = entry
  const whole = await table.snapshot()
  const lost = await findLost(context, whole)
  const began = withoutLost(whole, lost)
  const letters = await lettersOf(context, began)
  await stageTable.restore(
    began,
    work.partitions.map(({ partition, from }) => ({ topicId: work.topicId, partition, below: from })),
    { staged: entry.staged },
  )
  const keep = async (adds: readonly AddFile[], letters: readonly OutgoingRecord[]) => {
    entry.staged = [...entry.staged, ...adds]
    if (isDryRun) return
    if (letters.length > 0) work.letterFiles.push(await keepLetters(store, entry.id, work.letterFiles.length, letters))
    await saveReplay(store, entry)
  }
  let progress = progressOf(layer, work, began)
  const derivation = createDerivation({
    ...context,
    work,
    snapshot: began,
    letters,
    keep,
    onProgress: () =>
      context.onProgress(
        sumOf(work.partitions, ({ position, from }) => position - from),
        totalOf(work, progress),
      ),
  })

  await derivation.deriveTo(progress)
  let snapshot = withoutLost(await table.snapshot(), lost)
  // Of a range that ends before progress: the keys whose later records must be judged again, as what came before these is another now.
  const lacksKeys =
    layer === 'silver' && work.partitions.some(({ to }) => to !== null) && work.partitions.every(({ keys }) => keys === null)
  let { diff, keys } = await compare(context, snapshot, { withKeys: lacksKeys })
  if (lacksKeys) {
    for (const of of work.partitions) if (of.to !== null) of.keys = keys.get(of.partition) ?? []
    if (!isDryRun) await saveReplay(store, entry)
    progress = progressOf(layer, work, await table.snapshot())
    await derivation.deriveTo(progress)
    snapshot = withoutLost(await table.snapshot(), lost)
    if (work.partitions.some(({ keys }) => keys?.length)) ({ diff } = await compare(context, snapshot, { withKeys: false }))
  }
  discountStale(
    work,
    letters,
    (partition, errorClass) => began.txns.get(counterId(appIdOf({ layer, work }, partition), `dead/${errorClass}`)) ?? 0,
  )
  const isDifferent = diff.added + diff.removed + diff.changed + lost.length > 0 || hasLetterChanges(work) || fillsGaps(work)
  context.onDiff(diff, lost)
  if (isDryRun || !isDifferent) return { diff, version: null, isDifferent, lost }

  const known = knownOfLost(work, lost)
  const input: Omit<SwapInput, 'staged'> = {
    ...{ table, stageTable, layer, work, letters, known, info: { replay: entry.id } },
    ...(lost.length > 0 ? { override: countedAnew(layer) } : {}),
  }
  const version = await swapIn(context, { derivation, input, snapshot })
  return { diff, version, isDifferent, lost }
}

const sumOf = <T>(of: readonly T[], number: (each: T) => number): number => of.reduce((sum, each) => sum + number(each), 0)
const totalOf = ({ partitions }: Work, progress: ReadonlyMap<number, number>) =>
  sumOf(partitions, ({ partition, from, to, keys }) => (to === null || keys?.length ? (progress.get(partition) ?? from) : to) - from)

const hasLetterChanges = ({ letters: { come, go } }: Work): boolean => Object.keys(come).length > 0 || Object.keys(go).length > 0
const fillsGaps = ({ partitions }: Work): boolean => partitions.some(({ filled }) => filled > 0)

/** Dead letters whose record is none of the table's rows. */
export const lettersOf = async (
  { client, log, table, entry: { work }, stageTable }: Pick<ReplayContext, 'client' | 'log' | 'table' | 'entry' | 'stageTable'>,
  snapshot: Snapshot,
) => {
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

/**
 * Compares what is staged with what the live files hold of the ranges; gives, where they are wanted, the keys of Silver as well
 * whose accepted versions are others now, by partition.
 */
export const compare = async (
  context: Pick<ReplayContext, 'layer' | 'entry' | 'withFiles'>,
  snapshot: Snapshot,
  { withKeys }: { withKeys: boolean },
): Promise<{ diff: RowDiff; keys: Map<number, string[]> }> => {
  const { layer, entry } = context
  const { work } = entry
  if (!snapshot.metadata) throw new ReadflowError('lake-not-found', `there is no table ${entry.table} any more`)
  const { metadata } = snapshot
  const ranges = rangesOf(work)
  const live = new Map([...snapshot.files].filter(([, file]) => ranges.some((range) => mayHold(file, range))))
  const staged = new Map(entry.staged.map((file) => [file.path, file]))
  return context.withFiles([...live.values()], [...staged.values()], async (files) => {
    const diff = await diffRows({
      ...files,
      metadata,
      fields: mergedFields(metadata.fields, work.fields),
      topicId: work.topicId,
      works: work.partitions,
      live,
      staged,
      layer,
    })
    return { diff, keys: withKeys ? await changedKeys(files.duckdb) : new Map<number, string[]>() }
  })
}
