import { createScope } from '../../runtime/lifecycle.ts'
import type { Log } from '../../runtime/log.ts'
import { type KeepRunningOptions, type Kept, keepRunning } from '../up/keep-running.ts'
import { fetchArtifacts } from './artifacts.ts'
import type { DataLock } from './data-lock.ts'
import { lookAtJava } from './java.ts'
import { kafkaSpec, prepareKafka } from './kafka.ts'
import { endLeftover, type ServiceName } from './pid-file.ts'
import { type PickedPort, pickPort } from './ports.ts'
import { registrySpec, registryUrl } from './registry.ts'
import { type RunningService, startService } from './service.ts'
import { startWatcher } from './watcher.ts'

export type StackStep = 'fetch' | ServiceName

export interface StackOptions {
  /** Held by the caller, so that nobody else runs on the data folder. */
  lock: DataLock
  /** Services to use as they are; nothing is started in their place. */
  existing?: { brokers?: readonly string[] | undefined; registryUrl?: string | undefined }
  kafkaPort: number
  registryPort: number
  isKafkaPortExplicit: boolean
  isRegistryPortExplicit: boolean
  /** Whether servers that find no archive of their classes leave one when they end; they do where nothing else is said. */
  isArchiving?: boolean
  env: NodeJS.ProcessEnv
  log: Log
  signal?: AbortSignal
  onProgress?: (step: StackStep, state: 'running' | 'done', detail: string) => void
  /** Told when a service that ran ends and is started again. */
  onService?: (name: ServiceName, ...state: Parameters<KeepRunningOptions['onState']>) => void
}

export interface Stack {
  brokers: string[]
  registryUrl: string
  /** What was started here, each of which can be restarted. */
  kept: ReadonlyMap<ServiceName, Pick<Kept, 'restart'>>
  /** Ends the registry, then Kafka. */
  stop: () => Promise<void>
}

interface Service {
  name: ServiceName
  /** For people: where it is. */
  where: string
  start: (signal: AbortSignal) => Promise<RunningService>
}

/**
 * Starts the broker and the registry side by side, resolves when both answer, and keeps them running on their
 * ports and data until `stop`. What an earlier run left behind is ended first. Throws ReadflowError
 * `missing-tool`, `port-taken` or `stack-failed`; nothing is left running then.
 */
export const startStack = async (options: StackOptions): Promise<Stack> => {
  const { existing = {}, onService } = options
  const scope = createScope()
  try {
    await endLeftovers(options)
    if (existing.brokers && existing.registryUrl)
      return { brokers: [...existing.brokers], registryUrl: existing.registryUrl, kept: new Map(), stop: scope.close }
    const { services, brokers, url } = await plan(options, scope.defer)
    const first = await startAll(services, options)
    const stopping = new AbortController()
    const all = new Map<ServiceName, Kept>()
    // Released last in, first out: the registry before the broker.
    services.forEach((service, index) => {
      let running: RunningService | null = first[index] ?? null
      const kept = keepRunning({
        start: (signal) => {
          const started = running ?? service.start(AbortSignal.any([stopping.signal, signal]))
          running = null
          return started
        },
        onState: (...state) => onService?.(service.name, ...state),
      })
      all.set(service.name, kept)
      scope.defer(kept.stop)
    })
    scope.defer(() => stopping.abort())
    return { brokers, registryUrl: url, kept: all, stop: scope.close }
  } catch (error) {
    await scope.close()
    throw error
  }
}

/**
 * Ends the services that an earlier run left behind on this data folder. `startStack` does it too; who picks
 * ports before must do it first, as a leftover holds them.
 */
export const endLeftovers = async ({ lock: { dataDir }, log }: Pick<StackOptions, 'lock' | 'log'>): Promise<void> => {
  const pids = await Promise.all((['registry', 'kafka', 'minio'] as const).map((name) => endLeftover(dataDir, name)))
  for (const pid of pids) if (pid !== null) log.warn({ pid }, 'ended a service that an earlier run left behind')
}

/** What is to be started, where, and with what. Fetches it first. */
const plan = async (options: StackOptions, defer: (release: () => Promise<void>) => void) => {
  const {
    lock: { dataDir },
    existing = {},
    env,
    log,
    signal,
    onProgress,
  } = options
  // Before the download: who chose a port that is taken need not wait for it.
  const ports = await pickPorts(options)
  const { java, version: javaVersion } = await lookAtJava(env)
  const artifacts = await fetchArtifacts({ env, signal, onProgress: (line) => onProgress?.('fetch', 'running', line) })
  onProgress?.('fetch', 'done', `Kafka ${artifacts.kafkaVersion}, Apicurio ${artifacts.registryVersion}`)
  const watcher = startWatcher()
  defer(watcher.close)

  const common = { dataDir, java, javaVersion, isArchiving: options.isArchiving ?? true, artifacts, env, log }
  const kafkaOptions = { ...common, port: ports.kafka.port, controllerPort: ports.controller.port }
  const brokers = existing.brokers ? [...existing.brokers] : [`127.0.0.1:${ports.kafka.port}`]
  const url = existing.registryUrl ?? registryUrl(ports.registry.port)
  const kafka: Service = {
    name: 'kafka',
    where: `${brokers.join(',')}${fallbackNote(options.kafkaPort, ports.kafka)}`,
    start: async (until) => {
      await prepareKafka({ ...kafkaOptions, signal: until })
      return startService(kafkaSpec(kafkaOptions), { watcher, signal: until })
    },
  }
  const registry: Service = {
    name: 'registry',
    where: `${url}${fallbackNote(options.registryPort, ports.registry)}`,
    start: (until) => startService(registrySpec({ ...common, port: ports.registry.port }), { watcher, signal: until }),
  }
  const services = [...(existing.brokers ? [] : [kafka]), ...(existing.registryUrl ? [] : [registry])]
  return { services, brokers, url }
}

const fallbackNote = (wanted: number, { port, isFallback }: PickedPort) => (isFallback ? ` (port ${wanted} is taken: ${port} instead)` : '')

const pickPorts = async ({ existing = {}, kafkaPort, registryPort, isKafkaPortExplicit, isRegistryPortExplicit }: StackOptions) => {
  const unused: PickedPort = { port: 0, isFallback: false }
  const kafka = existing.brokers ? unused : await pickPort({ port: kafkaPort, isExplicit: isKafkaPortExplicit, flag: '--kafka-port' })
  const registry = existing.registryUrl
    ? unused
    : await pickPort({ port: registryPort, isExplicit: isRegistryPortExplicit, flag: '--registry-port', reserved: new Set([kafka.port]) })
  const reserved = new Set([kafka.port, registry.port])
  // Nobody but the broker itself asks the controller: any free port does, and two stacks that start together do not meet on one.
  const controller = existing.brokers ? unused : await pickPort({ port: 0, isExplicit: false, flag: '--kafka-port', reserved })
  return { kafka, registry, controller }
}

/** Starts all at once. When one fails, the others are given up and ended. */
const startAll = async (services: readonly Service[], { signal, onProgress }: StackOptions): Promise<RunningService[]> => {
  const giveUp = new AbortController()
  const until = signal ? AbortSignal.any([signal, giveUp.signal]) : giveUp.signal
  let failure: { error: unknown } | undefined
  const outcomes = await Promise.all(
    services.map(async ({ name, where, start }) => {
      onProgress?.(name, 'running', `starting on ${where}`)
      try {
        const running = await start(until)
        onProgress?.(name, 'done', where)
        return running
      } catch (error) {
        failure ??= { error }
        giveUp.abort(error)
        return null
      }
    }),
  )
  const started = outcomes.filter((running) => running !== null)
  if (!failure) return started
  await Promise.all(started.map((running) => running.stop()))
  throw failure.error
}
