import type { Config } from '../../runtime/config/config.ts'
import type { Release } from '../../runtime/lifecycle.ts'
import type { Log } from '../../runtime/log.ts'
import type { UpStatus } from '../../runtime/up-status.ts'
import { lockDataDir } from '../stack/data-lock.ts'
import type { ServiceName } from '../stack/pid-file.ts'
import { pickPort } from '../stack/ports.ts'
import { registryUrl } from '../stack/registry.ts'
import { endLeftovers, type Stack, startStack } from '../stack/stack.ts'
import type { Services } from './child-env.ts'

type StepState = UpStatus['steps'][number]['state']

export interface StartOptions {
  signal: AbortSignal
  onStep: (name: string, state: StepState, detail?: string) => void
  /** A service that ran has ended and is started again, or runs again. */
  onService: (name: ServiceName, state: 'restarting' | 'running', lastError: string | null) => void
}

const titles = { fetch: 'download', kafka: 'Kafka', registry: 'schema registry', minio: 'MinIO' } as const

/**
 * What the programs of `up` need: ports picked before anything starts, so that all addresses are known, and
 * a lock on the data folder. `start` brings up the services that nobody gave. Throws ReadflowError `port-taken`
 * or `stack-failed`.
 */
export const openServices = async ({
  config,
  env,
  log,
  defer,
}: {
  config: Config
  env: NodeJS.ProcessEnv
  log: Log
  defer: (release: Release) => void
}) => {
  const lock = lockDataDir(config.dataDir)
  defer(lock.release)
  // Before ports are picked: what a kill -9 of everything left behind still holds them.
  await endLeftovers({ lock, log })
  const existing = { brokers: config.kafkaBrokers, registryUrl: config.schemaRegistryUrl }
  const wanted = { api: config.port, kafka: config.kafkaPort, registry: config.registryPort }
  const reserved = new Set<number>()
  const pick = async (name: keyof typeof wanted, flag: string, isExplicit: boolean) => {
    const picked = await pickPort({ port: wanted[name], isExplicit, flag, reserved })
    reserved.add(picked.port)
    return picked
  }
  const api = await pick('api', '--port', config.explicit.has('port'))
  const kafka = existing.brokers ? null : await pick('kafka', '--kafka-port', config.explicit.has('kafkaPort'))
  const registry = existing.registryUrl ? null : await pick('registry', '--registry-port', config.explicit.has('registryPort'))
  const planned: Services = {
    brokers: existing.brokers ?? [`127.0.0.1:${kafka?.port}`],
    registryUrl: existing.registryUrl ?? registryUrl(registry?.port ?? 0),
  }
  const started = [...(kafka ? [titles.kafka] : []), ...(registry ? [titles.registry] : [])]

  const start = async ({ signal, onStep, onService }: StartOptions): Promise<Stack> => {
    const stack = await startStack({
      lock,
      existing,
      kafkaPort: kafka?.port ?? 0,
      registryPort: registry?.port ?? 0,
      isKafkaPortExplicit: true,
      isRegistryPortExplicit: true,
      // Who wants one pass waits for its end.
      isArchiving: !config.isOnce,
      env,
      log,
      signal,
      onProgress: (step, state, detail) => onStep(titles[step], state, detail),
      onService: (name, state, lastError, restarts) => {
        if (state === 'restarting' || (state === 'running' && restarts > 0)) onService(name, state, lastError)
      },
    })
    defer(stack.stop)
    return stack
  }

  return {
    planned,
    apiPort: api.port,
    /** One line for each default port that was taken. */
    notes: Object.entries({
      '--port': [wanted.api, api],
      '--kafka-port': [wanted.kafka, kafka],
      '--registry-port': [wanted.registry, registry],
    } as const).flatMap(([flag, [port, picked]]) =>
      picked?.isFallback ? [`Port ${port} is taken: ${picked.port} instead (${flag} chooses another).`] : [],
    ),
    steps: started.length > 0 ? [titles.fetch, ...started] : [],
    start,
  }
}
