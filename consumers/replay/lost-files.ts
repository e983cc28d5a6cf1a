import { type AddFile, filePath } from '../../lake/delta/actions.ts'
import { scan } from '../../lake/delta/scan.ts'
import type { Snapshot } from '../../lake/delta/snapshot.ts'
import type { Table } from '../../lake/delta/table.ts'
import { BEGIN_BYTES, beginsAsParquet } from '../../lake/parquet/footer.ts'
import { ReadflowError } from '../../runtime/errors.ts'
import { partitionOfProgress, readLedger } from '../sink/ledger.ts'
import type { Replay } from '../sink/partition.ts'
import { type KnownFiles, mayHold } from '../sink/replace-range.ts'
import { bronzeCounters, silverCounters } from '../sink/replay-counters.ts'
import type { ReplayContext } from './context.ts'
import { requestText } from './request.ts'
import { rangesOf } from './swap.ts'
import type { PartitionWork, Work } from './work.ts'

/*
 * A file that is gone can not say which rows it held. Where everything that the table has is derived again it need not: the swap
 * takes the file out with the others, and all of its rows come again.
 */

type Context = Pick<ReplayContext, 'layer' | 'entry' | 'table'>

/** So many files are looked at at once. */
const AT_ONCE = 16
const WHOLE = requestText({ from: 'earliest', to: 'latest', partitions: null })

/**
 * The live files that are gone, of another size, or begin or end as no Parquet does, of those that a replay reads. Throws
 * `lake-not-found` where there are any and the replay does not derive all of the table again.
 */
export const findLost = async ({ layer, entry, table }: Context, snapshot: Snapshot): Promise<AddFile[]> => {
  const ranges = rangesOf(entry.work)
  // What Silver makes of a record hangs on all that came before it.
  const read = [...snapshot.files.values()].filter((file) => layer === 'silver' || ranges.some((range) => mayHold(file, range)))
  const lost: AddFile[] = []
  for (let at = 0; at < read.length; at += AT_ONCE) {
    const some = read.slice(at, at + AT_ONCE)
    const areThere = await Promise.all(some.map((file) => isReadable(table, snapshot, file)))
    lost.push(...some.filter((_, index) => !areThere[index]))
  }
  if (lost.length === 0 || isWhole(layer, entry.work, snapshot)) return lost
  throw new ReadflowError(
    'lake-not-found',
    `${lost.length} of the files of ${entry.table} are gone or can not be read, such as ${lost[0]!.path}: nothing is changed.`,
    {
      hint:
        entry.request === WHOLE
          ? 'Bring them back from a backup: not all records that the table was made of are to be had any more.'
          : `Bring them back from a backup, or derive all of the table again: readflow replay ${entry.table} --from earliest.`,
    },
  )
}

const isReadable = async ({ store, root }: Table, { metadata }: Snapshot, file: AddFile): Promise<boolean> => {
  try {
    const { sizeBytes, read } = await store.pieces(`${root}/${filePath(file.path)}`, BEGIN_BYTES)
    if (sizeBytes !== file.size || !beginsAsParquet(await read(0, BEGIN_BYTES))) return false
    // Without columns it reads what the file says of itself.
    for await (const _ of scan(store, { metadata, files: new Map([[file.path, file]]) }, { root, columns: [] })) break
    return true
  } catch (error) {
    if (error instanceof ReadflowError && (error.code === 'lake-not-found' || error.code === 'lake-invalid')) return false
    throw error
  }
}

/** Whether a replay derives every row of the table again: each partition that it has taken anything of, from its first offset on. */
export const isWhole = (layer: 'bronze' | 'silver', { topicId, clusterId, partitions }: Work, snapshot: Snapshot): boolean =>
  [...snapshot.txns.keys()].every((appId) => {
    const of = partitionOfProgress(appId)
    if (of === null || of.stage !== layer) return true
    const { start, progress } = readLedger(snapshot, appId)
    if (start !== null && progress !== null && progress <= start) return true
    const work = partitions.find(({ partition }) => partition === of.partition)
    return of.topicId === topicId && of.clusterId === clusterId && work !== undefined && work.to === null && work.from <= (start ?? 0)
  })

/** A table as its other files have it. */
export const withoutLost = (snapshot: Snapshot, lost: readonly AddFile[]): Snapshot =>
  lost.length === 0 ? snapshot : { ...snapshot, files: snapshot.files.with(lost.map(({ path }) => [path, undefined] as const)) }

/** What a swap need not read: lost files go, and leave nothing beside the ranges. */
export const knownOfLost = (work: Work, lost: readonly AddFile[]): KnownFiles =>
  new Map(lost.map(({ path }) => [path, { adds: [], gone: work.partitions.map(() => ({})) }]))

/** Counters where rows are lost: all that was counted of the partition goes, whether it could be read or not. */
export const countedAnew =
  (layer: 'bronze' | 'silver') =>
  ({ outcomes, filled }: PartitionWork): Partial<Replay> => ({
    countersAfter: (before) =>
      layer === 'bronze'
        ? bronzeCounters(before, before, outcomes)
        : silverCounters(before, { ...before, rows: before['valid'] ?? 0 }, { dead: {}, outcomes, filled }),
  })
