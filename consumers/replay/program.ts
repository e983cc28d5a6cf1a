import { openStore } from '../../lake/store/open.ts'
import { openProcessFolder } from '../../lake/store/process-folder.ts'
import type { RunHandle } from '../../lineage/runs/recorder.ts'
import type { Config } from '../../runtime/config/config.ts'
import type { Release } from '../../runtime/lifecycle.ts'
import type { Log } from '../../runtime/log.ts'
import { progressLine } from '../../runtime/progress-line.ts'
import { readLedger } from '../sink/ledger.ts'
import { openBronzeSource } from './bronze-source.ts'
import { codeFingerprint } from './code.ts'
import { claimReplay, endReplay, findReplay, giveUpReplay, newReplay } from './entry.ts'
import { openKafkaSource } from './kafka-source.ts'
import { openComparison, openReplay } from './open.ts'
import { type Plan, planReplay } from './plan.ts'
import { endsOf } from './point.ts'
import { carryOut, type Replayed } from './replay.ts'
import { diffText, lostText, progressText, rangeText } from './report.ts'
import { type Request, requestText } from './request.ts'
import { isAllThere } from './staged.ts'
import { appIdOf } from './swap.ts'
import { newWork, type ReplayOf, type Work } from './work.ts'

const LINE_INTERVAL_MS = 10_000

export interface ProgramOptions {
  name: string
  request: Request
  run: RunHandle
  /** Where the answer goes: text for people, or one JSON line. */
  print: (text: string) => void
  log: Log
  signal: AbortSignal
  defer: (release: Release) => void
}

/** Carries out what `readflow replay` was asked for, and prints what comes of it. */
export const runReplay = async (config: Config, { name, request, run, print, log, signal, defer }: ProgramOptions): Promise<void> => {
  const startedMs = Date.now()
  const ends = endsOf(request, startedMs)
  const say = (text: string) => void (config.isJson || print(text))
  const opened = await openReplay(config, { name, program: 'replay', log, signal, defer })
  const { store, table, layer, topic, topicId, client, snapshot, registry, limits, bronze } = opened
  const found = config.isDryRun ? null : await findReplay(store, name, requestText(request))
  const code = codeFingerprint(config.drift)
  const identity = { topic, topicId, clusterId: client.clusterId, tableId: snapshot.metadata?.id ?? '', code }
  const isSame = (work: Work | null): work is Work =>
    work !== null &&
    Object.entries(identity).every(([key, value]) => work[key as keyof typeof identity] === value) &&
    work.partitions.every(({ partition, epoch }) => readLedger(snapshot, appIdOf({ layer, work }, partition)).epoch === epoch)
  let entry = found ?? newReplay(name, requestText(request))
  let plan: Plan = { works: found?.work?.partitions ?? [], notes: [] }
  const isWhole = !found || (await isAllThere(store, table.root, found.staged))
  if (found && isWhole && isSame(found.work))
    say(`going on with the replay ${found.id}, of which ${found.work.records} records are derived\n`)
  else {
    const [from, to] = ends
    plan = await planReplay({ ...opened, name, from, to, partitions: request.partitions })
    if (found) {
      const state = await giveUpReplay(store, found)
      if (state === 'swapped') say(`the replay ${found.id} was swapped in before its process died; looking again\n`)
      else
        say(
          `the replay ${found.id} begins anew: ${isWhole ? 'the code, the topic or the table is another than when it began' : 'what it had staged is no more'}\n`,
        )
    }
    entry = { ...newReplay(name, requestText(request)), work: newWork({ kind: 'replay', ...identity, partitions: plan.works, fields: [] }) }
  }
  for (const note of plan.notes) say(`${note}\n`)
  if (plan.works.length === 0) return nothing(config, { name, request, startedMs, print })
  const work = entry.work as Work
  say(
    `${name} from ${topic}, partition and offsets: ${rangeText(work.partitions)}${config.isDryRun ? '; a dry run' : `; replay ${entry.id}`}\n`,
  )
  if (!config.isDryRun) {
    await claimReplay(store, entry)
    const offsets = work.partitions.map(({ partition, from, to }) => `${partition}:${from}-${to ?? ''}`).join(',')
    run.begin({ inputs: [{ type: 'topic', name: topic, version: offsets }], outputs: [{ type: 'table', name }] })
  }

  const dry = config.isDryRun ? await openDryRun(config, defer) : null
  const staging = { store: dry ?? store, root: table.root }
  const kafka = openKafkaSource({ client, topic, topicId, limits, log })
  defer(() => kafka.close())
  const onReencoded = () => void work.reencoded++
  const show = progressShower(work)
  const result = await carryOut({
    ...opened,
    entry: entry as ReplayOf & { work: Work },
    isDryRun: config.isDryRun,
    staging,
    kafka,
    bronze: bronze && openBronzeSource({ ...bronze, topicId, registry, limits, onReencoded }),
    withFiles: await openComparison(config, { store, root: table.root, stagedStore: staging.store, signal, defer }),
    onProgress: show.progress,
    onDiff: (diff, lost) => {
      show.clear()
      const seconds = (Date.now() - startedMs) / 1000
      say(`derived ${work.records} records in ${seconds.toFixed(1)} s${bronzeText(work)}\n${lostText(lost)}${diffText(diff, work)}`)
    },
    onWaiting: (text) => process.stderr.write(`${text}\n`),
    log,
    signal,
  })
  show.clear()
  if (!config.isDryRun) {
    const { version } = result
    await endReplay(store, entry, version === null ? 'unchanged' : 'swapped', { version })
    const { added, removed, changed } = result.diff
    run.note({
      outputs: [{ type: 'table', name, ...(version === null ? {} : { version }) }],
      counts: { partitions: work.partitions.length, records: work.records, added, removed, changed },
    })
  }
  say(endText(name, result, config.isDryRun))
  if (config.isJson)
    print(`${JSON.stringify({ ok: true, ...summary(entry, work, result, config.isDryRun), seconds: secondsSince(startedMs) })}\n`)
}

const secondsSince = (startedMs: number) => Math.round((Date.now() - startedMs) / 100) / 10

const bronzeText = ({ fromBronze, reencoded }: Work): string =>
  fromBronze === 0
    ? ''
    : `, ${fromBronze} of them from Bronze${reencoded === 0 ? '' : ` (${reencoded} with the same fields in other bytes)`}`

const endText = (name: string, { version, isDifferent, lost }: Replayed, isDryRun: boolean): string => {
  if (!isDifferent) return `${name} is already what its records give: nothing is changed\n`
  if (isDryRun) return 'a dry run: nothing is changed\n'
  if (lost.length > 0) return `swapped in as version ${version}, which has every row again\n`
  return `swapped in as version ${version}; readflow rollback ${name} takes it back\n`
}

const nothing = (
  config: Config,
  { name, request, startedMs, print }: { name: string; request: Request; startedMs: number; print: (text: string) => void },
) => {
  if (!config.isJson) return print(`no record of ${name} lies in that range\n`)
  const empty = { added: 0, removed: 0, changed: 0, version: null, records: 0, partitions: [] }
  print(
    `${JSON.stringify({ ok: true, table: name, request: requestText(request), dryRun: config.isDryRun, ...empty, seconds: secondsSince(startedMs) })}\n`,
  )
}

const summary = (entry: ReplayOf, work: Work, { diff, version, isDifferent, lost }: Replayed, isDryRun: boolean) => ({
  id: isDryRun ? null : entry.id,
  table: entry.table,
  request: entry.request,
  dryRun: isDryRun,
  partitions: work.partitions.map(({ partition, from, to, position }) => ({ partition, from, to: to ?? position })),
  records: work.records,
  fromBronze: work.fromBronze,
  reencoded: work.reencoded,
  isDifferent,
  ...diff,
  ...(lost.length > 0 ? { lostFiles: lost.map(({ path }) => path) } : {}),
  deadLetters: work.letters,
  version,
})

/** A lake of this process alone, where a dry run stages its rows. */
const openDryRun = async (config: Config, defer: (release: Release) => void) => {
  const folder = await openProcessFolder(`${config.dataDir}/tmp/replay-dry`)
  defer(folder.close)
  const store = openStore(`file:${folder.dir}`)
  defer(() => store.close())
  return store
}

/** On a terminal one line that changes; elsewhere a line now and then. */
const progressShower = (work: Work) => {
  const line = progressLine()
  const startedMs = Date.now()
  let toldMs = startedMs
  let before: number | null = null
  return {
    clear: () => line(''),
    progress: (done: number, all: number) => {
      before ??= Math.max(0, done - work.records)
      const text = progressText({ done, all, before, elapsedMs: Date.now() - startedMs })
      line(text)
      // The API, which has it done by this command, shows it.
      process.send?.({ type: 'replay-progress', done, all })
      if (process.stderr.isTTY || Date.now() - toldMs < LINE_INTERVAL_MS) return
      toldMs = Date.now()
      process.stderr.write(`${text}\n`)
    },
  }
}
