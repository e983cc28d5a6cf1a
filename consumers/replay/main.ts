import { listReplays, readReplay } from '../../lake/replays.ts'
import { openStore } from '../../lake/store/open.ts'
import { openRuns } from '../../lineage/runs/open.ts'
import { withRun } from '../../lineage/runs/recorder.ts'
import { type Config, parseConfig } from '../../runtime/config/config.ts'
import { needsPerson, ReadflowError } from '../../runtime/errors.ts'
import { openSecondReader } from '../../runtime/kafka/second/reader.ts'
import { type ProgramContext, runProgram } from '../../runtime/lifecycle.ts'
import { createLog } from '../../runtime/log.ts'
import { requireServices } from '../../runtime/services.ts'
import { boundsOf } from './bounds.ts'
import { giveUpReplay, isAlive } from './entry.ts'
import { openReplay } from './open.ts'
import { runReplay } from './program.ts'
import { boundsText, listText } from './report.ts'
import { ROLLBACK_REQUEST, requestOf } from './request.ts'
import type { Work } from './work.ts'

await runProgram('replay', async (context) => {
  const config = parseConfig('replay', context.argv, context.env)
  if (!config) return
  if (config.isReplayList) return list(config, context)
  if (config.replayAbort !== undefined) return abort(config, context, config.replayAbort)
  const [name = ''] = config.operands
  if (config.isReplayBounds) return bounds(config, context, name)
  const log = createLog('replay', config.explicit.has('logLevel') ? config.logLevel : 'error')
  const store = openStore(config.lakeUrl, { signal: context.signal })
  context.defer(() => store.close())
  const resumed = config.replayResume === undefined ? null : await readReplay<Work>(store, config.replayResume)
  if (config.replayResume !== undefined && resumed?.state !== 'open')
    throw new ReadflowError(
      'config',
      `There is no replay ${config.replayResume} that could go on${resumed ? `: it is ${resumed.state}` : ''}.`,
      {
        hint: 'See readflow replay --list.',
      },
    )
  if (resumed?.request === ROLLBACK_REQUEST)
    throw new ReadflowError(
      'config',
      `${resumed.id} is a rollback of ${resumed.table}, which begins anew: readflow rollback ${resumed.table}.`,
    )
  if (!resumed && config.replayFrom === undefined)
    throw new ReadflowError('config', '--from must say where to begin.', { hint: 'Such as --from earliest; see readflow replay --help.' })
  const request = resumed
    ? requestOf(resumed.request)
    : { from: config.replayFrom ?? '', to: config.replayTo, partitions: config.replayPartitions ?? null }
  const table = resumed?.table ?? name
  // The compactor publishes it.
  const runs = await openRuns({ ...config, store, programs: ['replay'], brokers: undefined, log })
  context.defer(runs.close)
  await withRun(runs, { kind: 'replay', job: `replay ${table}`, signal: context.signal, isRefusal: needsPerson }, (run) =>
    runReplay(config, { ...context, name: table, request, log, run, print: (text) => void process.stdout.write(text) }),
  ).catch((error: unknown) => {
    if (context.signal.aborted && !config.isDryRun) process.stderr.write('replay: stopped; the same command goes on where it was.\n')
    throw error
  })
})

async function list(config: Config, { signal, defer }: ProgramContext) {
  const store = openStore(config.lakeUrl, { signal })
  defer(() => store.close())
  const entries = (await listReplays<Work>(store)).map((entry) => ({ ...entry, isAlive: isAlive(entry) }))
  if (!config.isJson) return void process.stdout.write(listText(entries))
  const shown = entries.map(({ work, staged, ...entry }) => ({ ...entry, stagedFiles: staged.length }))
  process.stdout.write(`${JSON.stringify({ replays: shown })}\n`)
}

async function bounds(config: Config, { signal, defer }: ProgramContext, name: string) {
  const opened = await openReplay(config, { name, program: 'replay', log: createLog('replay', 'error'), signal, defer })
  const reader = await openSecondReader({ brokers: requireServices(config).brokers, clientId: 'readflow-replay' })
  defer(() => reader.close())
  const partitions = await boundsOf(opened, reader)
  if (config.isJson) return void process.stdout.write(`${JSON.stringify({ ok: true, table: name, topic: opened.topic, partitions })}\n`)
  process.stdout.write(boundsText(name, partitions))
}

async function abort(config: Config, { signal, defer }: ProgramContext, id: string) {
  const store = openStore(config.lakeUrl, { signal })
  defer(() => store.close())
  const entry = await readReplay<Work>(store, id)
  if (entry?.state !== 'open')
    throw new ReadflowError('config', `There is no replay ${id} that could be given up${entry ? `: it is ${entry.state}` : ''}.`, {
      hint: 'See readflow replay --list.',
    })
  const wasAlive = isAlive(entry)
  const state = await giveUpReplay(store, entry)
  const what =
    state === 'swapped'
      ? `The replay ${id} of ${entry.table} had been swapped in already; readflow rollback ${entry.table} takes it back.`
      : `The replay ${id} of ${entry.table} is given up${wasAlive ? '; its process stops at its next step' : ''}.`
  process.stdout.write(config.isJson ? `${JSON.stringify({ ok: true, id, table: entry.table, state })}\n` : `${what}\n`)
}
