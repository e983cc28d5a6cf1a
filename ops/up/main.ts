import path from 'node:path'
import { parseConfig } from '../../runtime/config/config.ts'

import { runProgram } from '../../runtime/lifecycle.ts'
import { createLog } from '../../runtime/log.ts'
import { type Services, childEnv, flagsOf } from './child-env.ts'
import { type ProgramName, startProgram } from './child.ts'
import { type Kept, keepRunning } from './keep-running.ts'
import { runOnce } from './once.ts'
import { openServices } from './services.ts'
import { createStatus } from './status.ts'
import { createTerminal, welcome } from './terminal.ts'

const LIVE: readonly ProgramName[] = ['poll', 'consume', 'compact']

await runProgram('up', async ({ argv, env, signal, defer }) => {
  const config = parseConfig('up', argv, env)
  if (!config) return
  const startedMs = Date.now()
  const logDir = path.join(config.dataDir, 'logs')
  const log = createLog('up', 'warn')
  const services = await openServices({ config, log, defer })
  const terminal = createTerminal((line) => process.stderr.write(line))
  const kept = new Map<ProgramName, Kept>()
  let toServe: ((message: object) => void) | null = null
  const status = createStatus({
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
  const flags = flagsOf(argv)
  const run = (name: ProgramName, args: string[], running: Services | null, onMessage?: (message: Record<string, unknown>) => void) =>
    startProgram(name, { args, env: childEnv(config, flags, running ?? services.planned, env), logDir, onMessage })

  const keep = (name: ProgramName, args: string[], running: Services | null, onMessage?: (message: Record<string, unknown>) => void) => {
    const one = keepRunning({
      start: () => {
        const program = run(name, args, running, onMessage)
        if (name === 'serve') {
          toServe = program.send
          program.send({ type: 'up-status', status: status.current() })
        }
        return { stop: program.stop, exited: program.exited.then((exit) => ({ lastError: exit.lastError, isFinal: exit.code === 2 })) }
      },
      onState: (state, lastError, restarts) => status.program(name, state, lastError, restarts),
    })
    kept.set(name, one)
    defer(one.stop)
    return one
  }

  if (config.isOnce) {
    const running = await services.start({ signal, onStep: status.step })
    const summary = await runOnce({ run: (name, args) => run(name, args, running), onStep: status.step, signal, startedMs })
    status.phase('stopping')
    await services.stop()
    process.stdout.write(`${JSON.stringify({ ...summary, seconds: (Date.now() - startedMs) / 1000 })}\n`)
    return
  }

  const page = `http://127.0.0.1:${services.apiPort}/`
  status.links({ page })
  keep('serve', ['--port', String(services.apiPort)], null)
  process.stderr.write(`The page is at ${page}\n`)
  const running = await services.start({ signal, onStep: status.step })
  status.links({ brokers: running.brokers.join(','), registry: running.registryUrl })
  status.step('programs', 'running', LIVE.join(', '))
  // Consumers first: topics exist before the first record, and stop last in the reverse order.
  for (const name of ['compact', 'consume', 'poll'] as const) keep(name, [], running, (message) => onProgramMessage(status, message))
  status.step('programs', 'done', LIVE.join(', '))
  status.phase('running')
  process.stderr.write(welcome(status.current(), logDir))
  await new Promise<void>((resolve) => {
    if (signal.aborted) resolve()
    signal.addEventListener('abort', () => resolve(), { once: true })
  })
  status.phase('stopping')
  process.stderr.write('Stopping: records on their way are written first.\n')
})

function onProgramMessage(status: ReturnType<typeof createStatus>, message: Record<string, unknown>) {
  if (message['type'] !== 'status') return
  if (typeof message['isGenerated'] === 'boolean') status.source({ isGenerated: message['isGenerated'] })
}

function withoutSecrets(uri: string): string {
  return uri.replace(/\/\/[^@/]*@/, '//').replace(/([?&]key=)[^&]*/, '$1…')
}
