import { type BackfillInbox, cancelledStatus, isOver } from '../../lineage/backfill/inbox.ts'
import { ReadflowError } from '../../runtime/errors.ts'
import { sleep } from '../../runtime/lifecycle.ts'
import { readRunFile } from '../../runtime/run-file.ts'
import { askUp } from '../../runtime/up-control.ts'

const LOOK_MS = 500
const PATIENCE_MS = 30_000
const ANSWER_MS = 2000

/** Whether an `up` runs on the data folder whose stage `poll` is paused; not where it does not say. */
export const isPollPaused = async (dataDir: string, signal: AbortSignal): Promise<boolean> => {
  const run = readRunFile(dataDir)
  if (!run?.control) return false
  try {
    const { status } = await askUp({ run, control: run.control }, null, AbortSignal.any([signal, AbortSignal.timeout(ANSWER_MS)]))
    return status.stages.some(({ name, state }) => name === 'poll' && state === 'paused')
  } catch {
    signal.throwIfAborted()
    return false
  }
}

/**
 * Takes the newest backfill back, and returns once it has ended. Throws ReadflowError `stack-failed` where its poller does not
 * answer: it stays taken back.
 */
export const cancelBackfill = async (
  inbox: BackfillInbox,
  { isPaused, signal, patienceMs = PATIENCE_MS }: { isPaused: boolean; signal: AbortSignal; patienceMs?: number },
): Promise<void> => {
  await inbox.cancel()
  const startMs = performance.now()
  for (;;) {
    const backfill = await inbox.get()
    if (!backfill || isOver(backfill)) return
    const owner = await inbox.owner()
    // Nobody works on it, so nobody else will say so.
    if (!owner || isPaused) return inbox.writeStatus(cancelledStatus(backfill, Date.now()))
    if (performance.now() - startMs >= patienceMs)
      throw new ReadflowError(
        'stack-failed',
        `It is taken back; the poller (process ${owner.pid}) does not answer, and it ends once it does.`,
      )
    await sleep(LOOK_MS, signal)
  }
}
