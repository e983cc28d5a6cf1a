import type { Snapshot } from '../../lake/delta/snapshot.ts'
import { ReadflowError } from '../../runtime/errors.ts'
import { readLedger } from '../sink/ledger.ts'
import { replaceRanges } from '../sink/replace-range.ts'
import { askForRoom } from '../sink/room.ts'
import type { ReplayContext } from './context.ts'
import type { createDerivation } from './derive.ts'
import { saveReplay } from './entry.ts'
import { readLetters } from './letters.ts'
import { ROLLBACK_REQUEST } from './request.ts'
import { requireStaged } from './staged.ts'
import { appIdOf, rangesOf, type SwapInput, swap } from './swap.ts'
import { topicChanged } from './topic-end.ts'
import { isDerivedTo, type PartitionWork, type Work } from './work.ts'

/** So often the live consumer may come first before a person is asked to make room. */
const MAX_ROUNDS = 50
/** So often it may before it is asked to, and then every other time: it waits for some seconds, which is more than a round takes. */
const ROUNDS_BEFORE_ROOM = 8
/** Less than this behind, a swap is tried. */
const CLOSE_OFFSETS = 10_000

type Context = Pick<ReplayContext, 'store' | 'client' | 'producer' | 'table' | 'layer' | 'onWaiting' | 'signal' | 'entry'>

/** Where the table is, by partition. */
export const progressOf = (layer: 'bronze' | 'silver', work: Work, snapshot: Snapshot): Map<number, number> =>
  new Map(work.partitions.map(({ partition }) => [partition, readLedger(snapshot, appIdOf({ layer, work }, partition)).progress ?? 0]))

/**
 * Swaps what is staged in while the live consumer goes on: catches up with what it has committed meanwhile, ever less of it, and
 * commits when nothing came in between. A consumer that always comes first is asked for room. Gives the version that the swap
 * made. Rejects with `lake-fenced` where another replay of a partition came first.
 */
export const swapIn = async (
  context: Context,
  {
    derivation,
    input,
    snapshot,
  }: { derivation: ReturnType<typeof createDerivation>; input: Omit<SwapInput, 'staged'>; snapshot: Snapshot },
): Promise<number> => {
  const { table, entry, layer, store, producer, signal } = context
  const { work } = entry
  let sent = 0
  const sendLetters = async () => {
    for (const path of work.letterFiles.slice(sent)) await producer.send(await readLetters(store, path))
    sent = work.letterFiles.length
  }
  await requireStaged(store, table.root, entry.staged)
  await sendLetters()
  // The large part is rewritten before the race with the live consumer begins.
  await replaceRanges(table, snapshot, rangesOf(work), input.known)
  for (let round = 1; round <= MAX_ROUNDS; round++) {
    signal.throwIfAborted()
    let now = await table.snapshot()
    checkEpochs(context, now)
    if (round >= ROUNDS_BEFORE_ROOM && round % 2 === 0) now = await makeRoom(context)
    const progress = progressOf(layer, work, now)
    const behind = work.partitions.reduce((sum, of) => {
      const to = progress.get(of.partition) ?? 0
      return sum + (isDerivedTo(of, to) ? 0 : to - of.position)
    }, 0)
    if (behind > 0) {
      await derivation.deriveTo(progress)
      await sendLetters()
      if (behind > CLOSE_OFFSETS) continue
    }
    await checkTopic(context)
    try {
      return (await swap({ ...input, staged: entry.staged }, now)).version
    } catch (error) {
      if (!(error instanceof ReadflowError && error.code === 'lake-fenced')) throw error
    }
  }
  throw new ReadflowError('lake-conflict', `The live consumer came first ${MAX_ROUNDS} times in a row; what is derived is kept.`, {
    hint: `Run readflow pause ${layer}, the same command again, and readflow resume ${layer}.`,
  })
}

/** Has the live consumer wait for a moment; what it commits meanwhile is fenced. Gives the table as it is left then. */
const makeRoom = async ({ table, entry, layer, store, onWaiting }: Context): Promise<Snapshot> => {
  const { work } = entry
  onWaiting('the live consumer commits faster than the swap; it is asked to wait for a moment')
  const partitions = work.partitions.map(({ partition, epoch }) => ({ appId: appIdOf({ layer, work }, partition), epoch }))
  const made = await askForRoom(table, partitions, Date.now())
  for (const of of work.partitions) of.epoch = (of.epoch ?? 0) + 1
  await saveReplay(store, entry)
  return made
}

const checkEpochs = ({ entry, layer }: Context, snapshot: Snapshot) => {
  const isMoved = ({ partition, epoch }: PartitionWork) =>
    readLedger(snapshot, appIdOf({ layer, work: entry.work }, partition)).epoch !== epoch
  const moved = entry.work.partitions.find(isMoved)
  if (moved)
    throw new ReadflowError(
      'lake-fenced',
      `Another replay of ${entry.table}, partition ${moved.partition}, came first; this one changed nothing.`,
      {
        // Asked again a rollback would take back the one before.
        hint:
          entry.request === ROLLBACK_REQUEST
            ? 'See readflow history before you ask again: that takes back the newest replay that is left.'
            : 'Run the same command again to derive on top of it.',
      },
    )
}

const checkTopic = async ({ client, entry: { work } }: Context) => {
  const now = (await client.topicIds([work.topic])).get(work.topic)
  if (now !== work.topicId) throw topicChanged(work.topic)
}
