import { type Backfill, type BackfillInbox, isOver, openBackfillInbox } from '../../lineage/backfill/inbox.ts'
import { type Config, parseConfig } from '../../runtime/config/config.ts'
import { ReadflowError } from '../../runtime/errors.ts'
import { type ProgramContext, runProgram, sleep } from '../../runtime/lifecycle.ts'
import { createLog } from '../../runtime/log.ts'
import { openConfiguredSource, openPoller } from '../open-poller.ts'
import { cancelBackfill, isPollPaused } from './poller.ts'
import { type BackfillsOptions, createBackfills } from './run.ts'
import { backfillJson, backfillLine, isWhole, PAUSED } from './show.ts'
import { whyNot } from './why-not.ts'

const LOOK_MS = 500
const TELL_MS = 2000
/** GoodReads began in this month. */
const FIRST_DAY = '2007-01-01'

/**
 * `readflow backfill`: hands it to the poller of the data folder, or does it itself where none runs; returns once it is over.
 * Told to stop it leaves the poller at work, and what it did itself is gone on with by the next command or poller.
 */
await runProgram('backfill', async ({ argv, env, signal, defer }) => {
  const config = parseConfig('backfill', argv, env)
  if (!config) return 0
  const inbox = openBackfillInbox(config.dataDir)
  const isPaused = () => isPollPaused(config.dataDir, signal)
  const say = async (backfill: Backfill) => {
    const isWaiting = !isOver(backfill) && (await isPaused())
    const text = config.isJson ? JSON.stringify(backfillJson(backfill, isWaiting)) : backfillLine(backfill, isWaiting)
    process.stdout.write(`${text}\n`)
  }
  if (config.isStatusAsked || config.isCancelled) {
    const newest = await inbox.get()
    if (!newest) throw new ReadflowError('config', `There was no backfill on ${config.dataDir}.`)
    if (config.isCancelled && !isOver(newest)) await cancelBackfill(inbox, { isPaused: await isPaused(), signal })
    await say((await inbox.get()) ?? newest)
    return 0
  }
  const range = rangeOf(config)
  const owner = await inbox.owner()
  await openOne(inbox, range)
  if (owner && config.explicit.has('source') && !owner.source.startsWith(config.source.split(/[?:]/)[0] ?? ''))
    throw new ReadflowError('config', `The poller that runs here asks ${owner.source}, and a backfill is of what it asks.`, {
      hint: 'Leave --source out, or name another data folder with --data.',
    })
  if (!owner && (await isPaused())) throw new ReadflowError('config', `Nothing is asked for: ${PAUSED}.`)
  const work = owner ? null : await openWorker(config, inbox, { signal, defer })
  // Read again: another command may have been here meanwhile.
  const known = await openOne(inbox, range)
  const isGoingOn = known !== null && !known.request.isCancelled
  const request = isGoingOn ? known.request : await inbox.put(range)
  if (!config.isJson)
    process.stderr.write(
      owner
        ? `${isGoingOn ? 'It runs already' : 'Handed to the poller'} (process ${owner.pid}), under its rate limit. Ctrl-C leaves it running; readflow backfill --cancel ends it.\n`
        : `No poller runs on ${config.dataDir}: it is done here. Ctrl-C interrupts it; the same command goes on.\n`,
    )
  // Where the work ends by a fault of ours, nothing more will be said of it: that ends this too.
  const [end] = await Promise.all([follow(inbox, request.id, config, signal), work?.(signal)])
  await say(end)
  return isWhole(end) ? 0 : 1
})

/** The backfill that is not over; null where there is none. Throws ReadflowError `config` where it is of other days. */
async function openOne(inbox: BackfillInbox, range: { fromDay: string; toDay: string }): Promise<Backfill | null> {
  const known = await inbox.get()
  if (!known || isOver(known)) return null
  const { fromDay, toDay } = known.request
  if (fromDay === range.fromDay && toDay === range.toDay) return known
  throw new ReadflowError('config', `A backfill of ${fromDay} to ${toDay} is not over yet.`, {
    hint: 'Have it go on with the same --from and --to, or end it: readflow backfill --cancel.',
  })
}

function rangeOf({ fromDay, toDay }: Config): { fromDay: string; toDay: string } {
  const today = new Date().toISOString().slice(0, 10)
  if (fromDay === undefined || toDay === undefined)
    throw new ReadflowError('config', 'Which days? Write them as --from 2026-01-01 --to 2026-01-31.')
  if (fromDay < FIRST_DAY) throw new ReadflowError('config', `--from ${fromDay} is before GoodReads existed (${FIRST_DAY}).`)
  if (fromDay > toDay) throw new ReadflowError('config', `--from ${fromDay} is after --to ${toDay}.`)
  if (toDay > today) throw new ReadflowError('config', `--to ${toDay} is still to come: today is ${today} (UTC).`)
  return { fromDay, toDay }
}

async function openWorker(config: Config, inbox: BackfillInbox, { signal, defer }: Pick<ProgramContext, 'signal' | 'defer'>) {
  const log = createLog('backfill', 'warn')
  const opening = { config, log, signal, defer }
  const { source, store } = await openConfiguredSource(opening)
  if (!source.backfill) throw new ReadflowError('config', whyNot(source.name))
  const { pollerOf, positionsOf } = await openPoller({ ...opening, store })
  defer(inbox.disown)
  if (!(await inbox.tryOwn(source.id)))
    throw new ReadflowError('config', 'A poller, or another backfill, has just started here.', { hint: 'Ask again: it takes it.' })
  const poll: BackfillsOptions['poll'] = (of, job, until, told) => pollerOf(of)(job, until, told)
  return createBackfills({ inbox, source, positionsOf, poll, log, nowMs: Date.now }).once
}

/** Tells how far it is until it is over, or was replaced. */
async function follow(inbox: BackfillInbox, id: string, { isJson, dataDir }: Config, signal: AbortSignal): Promise<Backfill> {
  let toldMs = Number.NEGATIVE_INFINITY
  let lastLine = ''
  for (;;) {
    const backfill = await inbox.get()
    if (!backfill || backfill.request.id !== id) throw new ReadflowError('stack-failed', 'Another backfill was asked for meanwhile.')
    if (isOver(backfill)) return backfill
    if (!isJson && performance.now() - toldMs >= TELL_MS) {
      const isWaiting = backfill.status?.state !== 'running' && (await isPollPaused(dataDir, signal))
      const line = backfillLine(backfill, isWaiting)
      if (line !== lastLine) process.stderr.write(`${line}\n`)
      toldMs = performance.now()
      lastLine = line
    }
    if (!(await inbox.owner()))
      throw new ReadflowError('stack-failed', `The poller of ${dataDir} has stopped.`, {
        hint: 'The next one goes on with it, or the same command.',
      })
    await sleep(LOOK_MS, signal)
  }
}
