import path from 'node:path'
import { parseConfig } from '../../runtime/config/config.ts'

import { ReadflowError } from '../../runtime/errors.ts'
import { runService } from '../../runtime/lifecycle.ts'
import { lineText } from '../../runtime/line-text.ts'
import { createLog } from '../../runtime/log.ts'
import { isMetricsMessage, openMetrics } from '../../runtime/metrics/open.ts'
import { type RunFile, writeRunFile } from '../../runtime/run-file.ts'
import { programOfStage } from '../../runtime/stage-names.ts'
import { isStageAskMessage } from '../../runtime/up-status.ts'
import type { ServiceName } from '../stack/pid-file.ts'
import type { Stack } from '../stack/stack.ts'
import { type ProgramName, type RunningProgram, startProgram } from './child.ts'
import { childEnv, flagsOf, pausedEnv, type Services } from './child-env.ts'
import { startControl } from './control.ts'
import { type Kept, keepRunning } from './keep-running.ts'
import { measureUp } from './metrics.ts'
import { runOnce } from './once.ts'
import { openServices } from './services.ts'
import { createStages } from './stages.ts'
import { createStatus } from './status.ts'
import { keepTargets } from './targets.ts'
import { createTerminal, welcome } from './terminal.ts'

/** What hangs does not end by itself; what does not, ends in this time or goes on from what is committed. */
const RESTART_GRACE_MS = 10_000
const LIVE: readonly ProgramName[] = ['poll', 'consume', 'compact']

await runService('up', async ({ argv, env, signal, defer }) => {
  const config = parseConfig('up', argv, env)
  if (!config) return
  const paused = config.pausedStages ?? []
  if (config.isOnce && paused.length > 0) throw new ReadflowError('config', '--paused and --once exclude each other.')
  const startedMs = Date.now()
  const logDir = path.join(config.dataDir, 'logs')
  const log = createLog('up', 'warn')
  const services = await openServices({ config, env, log, defer })
  for (const note of services.notes) process.stderr.write(`${note}\n`)
  const { metrics, address } = await openMetrics('up', {
    ...{ config, log, defer },
    onFallback: ({ wanted, port }) =>
      process.stderr.write(`Port ${wanted} (metrics) is taken: ${port} instead (--metrics-port chooses another).\n`),
  })
  const targets = config.isOnce ? null : keepTargets(config.dataDir)
  if (targets) defer(targets.remove)
  if (address !== null) targets?.set('up', address)
  const terminal = createTerminal((line) => process.stderr.write(line))
  let toServe: ((message: object) => void) | null = null
  const programs = new Map<ProgramName, RunningProgram>()
  const kept = new Map<ProgramName, Kept>()
  /** Those that a person has told to end, and that have not yet. */
  const asked = new Set<ProgramName>()
  const stages = createStages<ProgramName>({
    programOf: new Map(
      (['poll', ...config.stages, 'gold', 'optimize', 'vacuum'] as const).map((stage) => [stage, programOfStage[stage]] as const),
    ),
    paused,
    send: (name, message) => programs.get(name)?.send(message),
    startNow: (name) => kept.get(name)?.startNow(),
    onChange: (list) => status.stages(list),
  })
  const status = createStatus({
    stages: config.isOnce ? [] : stages.list(),
    steps: [...services.steps, ...(config.isOnce ? LIVE : ['programs'])],
    programs: config.isOnce ? [] : ['serve', ...LIVE],
    source: { uri: withoutSecrets(config.source), isGenerated: /^(sandbox|synthetic):/.test(config.source) },
    lake: config.lakeUrl,
    nowMs: Date.now,
    onChange: (current) => {
      terminal(current)
      toServe?.({ type: 'up-status', status: current })
    },
  })
  const measured = measureUp(metrics, status.current)
  const flags = flagsOf(argv)
  const fatal = Promise.withResolvers<never>()
  fatal.promise.catch(() => undefined)
  const run = (name: ProgramName, args: string[], running: Services | null, onMessage?: (message: Record<string, unknown>) => void) => {
    const programEnv = { ...childEnv(config, flags, running ?? services.planned, env), ...pausedEnv(stages.pausedNow()) }
    return startProgram(name, { args, env: programEnv, logDir, onMessage })
  }

  const keep = (name: ProgramName, args: string[], running: Services | null) => {
    let hasRun = false
    const onMessage = (message: Record<string, unknown>) => {
      stages.receive(message)
      if (isMetricsMessage(message)) targets?.set(name, message.address)
      if (name === 'serve' && isStageAskMessage(message)) stages.ask(message.stage, message.verb)
      if (message['type'] === 'notice') process.stderr.write(`  ! ${name}: ${lineText(String(message['text']))}\n`)
      if (message['type'] !== 'status') return
      hasRun = true
      begun.resolve()
      if (typeof message['isGenerated'] === 'boolean') status.source({ isGenerated: message['isGenerated'] })
      const warning = message['warning']
      if (typeof warning === 'string' || warning === null) status.warning(name, warning)
    }
    let begun = Promise.withResolvers<void>()
    const one = keepRunning({
      start: () => {
        begun = Promise.withResolvers<void>()
        asked.delete(name)
        stages.started(name)
        const program = run(name, args, running, onMessage)
        programs.set(name, program)
        program.exited.then(({ lastError }) => stages.ended(name, lastError, asked.delete(name)))
        if (name === 'serve') {
          toServe = program.send
          program.send({ type: 'up-status', status: status.current() })
        }
        const exited = program.exited.then((exit) => ({ lastError: exit.lastError, isFinal: exit.code === 2 }))
        return { stop: program.stop, exited, begun: begun.promise }
      },
      onState: (state, lastError, restarts) => {
        status.program(name, state, lastError, restarts)
        // What can't even begin until a person has changed something ends the start; what ran before does not take the rest with it.
        if (state === 'failed' && !hasRun) fatal.reject(new ReadflowError('stack-failed', `${name}: ${lastError ?? 'it could not start'}`))
      },
    })
    kept.set(name, one)
    defer(one.stop)
  }

  const onService = (name: ServiceName, state: 'restarting' | 'running', lastError: string | null) => {
    if (state === 'running') return void process.stderr.write(`  ✓ ${name} runs again\n`)
    measured.serviceRestarted(name)
    process.stderr.write(`  ! ${lineText(lastError ?? `${name} was told to end`)}; it is started again\n`)
  }

  /** A source that can't be opened is told before anything is downloaded or started. */
  const checkSource = async () => {
    const { code, lastError } = await run('poll', ['--check-source'], null).exited
    if (code !== 0 && !signal.aborted)
      throw new ReadflowError('config', lastError ?? `the source ${withoutSecrets(config.source)} can not be opened`)
  }

  /** Other commands of this data folder find what runs here from now on. */
  const announce = ({ brokers, registryUrl }: Stack, apiUrl: string | null, control: RunFile['control']) => {
    const run = { program: 'up' as const, brokers, registryUrl: withoutSecrets(registryUrl), lakeUrl: config.lakeUrl, apiUrl, control }
    defer(writeRunFile(config.dataDir, run).remove)
  }

  if (config.isOnce) {
    await checkSource()
    const running = await services.start({ signal, onStep: status.step, onService })
    announce(running, null, null)
    const summary = await runOnce({ run: (name, args) => run(name, args, running), onStep: status.step, signal, startedMs })
    await running.stop()
    process.stdout.write(`${JSON.stringify(summary)}\n`)
    if (!summary['ok']) throw new ReadflowError('gold-held', String(summary['reason']))
    return
  }

  const apiUrl = `http://127.0.0.1:${services.apiPort}`
  const page = `${apiUrl}/`
  status.links({ page })
  keep('serve', ['--port', String(services.apiPort)], null)
  process.stderr.write(`The page is at ${page}\n`)
  await checkSource()
  const running = await services.start({ signal, onStep: status.step, onService })
  status.links({ brokers: running.brokers.join(','), registry: withoutSecrets(running.registryUrl) })
  status.step('programs', 'running', LIVE.join(', '))
  // Consumers first: topics exist before the first record, and stop last in the reverse order.
  for (const name of ['compact', 'consume', 'poll'] as const) keep(name, [], running)
  status.step('programs', 'done', LIVE.join(', '))
  const { port, token, close } = await startControl({
    stages,
    status: status.current,
    restart: (name) => {
      const program = kept.get(name as ProgramName)
      if (program) asked.add(name as ProgramName)
      return (program ?? running.kept.get(name as ServiceName))?.restart(RESTART_GRACE_MS) ?? null
    },
  })
  defer(close)
  announce(running, apiUrl, { port, token })
  status.phase('running')
  process.stderr.write(welcome(status.current(), logDir))
  const stopped = new Promise<void>((resolve) => {
    if (signal.aborted) resolve()
    signal.addEventListener('abort', () => resolve(), { once: true })
  })
  await Promise.race([stopped, fatal.promise])
  status.phase('stopping')
  // Before the programs go: what is stopped on purpose is not down.
  targets?.remove()
  process.stderr.write('Stopping: records on their way are written first.\n')
})

function withoutSecrets(uri: string): string {
  return uri.replace(/\/\/[^@/]*@/, '//').replace(/([?&]key=)[^&]*/, '$1…')
}
