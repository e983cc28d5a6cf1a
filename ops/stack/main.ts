import { parseConfig } from '../../runtime/config/config.ts'
import { runService } from '../../runtime/lifecycle.ts'
import { createLog } from '../../runtime/log.ts'
import { writeRunFile } from '../../runtime/run-file.ts'
import { lockDataDir } from './data-lock.ts'
import { startStack } from './stack.ts'

const say = (line: string) => void process.stdout.write(`${line}\n`)
const titles = { fetch: 'download', kafka: 'Kafka', registry: 'registry', minio: 'MinIO' } as const

await runService('stack', async ({ argv, env, signal, defer }) => {
  const config = parseConfig('stack', argv, env)
  if (!config) return
  const { kafkaBrokers, schemaRegistryUrl } = config
  if (kafkaBrokers && schemaRegistryUrl) {
    say(`Nothing to start: KAFKA_BROKERS is ${kafkaBrokers.join(',')} and SCHEMA_REGISTRY_URL is ${schemaRegistryUrl}.`)
    return
  }
  const lock = lockDataDir(config.dataDir)
  defer(lock.release)
  const stack = await startStack({
    lock,
    existing: { brokers: kafkaBrokers, registryUrl: schemaRegistryUrl },
    kafkaPort: config.kafkaPort,
    registryPort: config.registryPort,
    isKafkaPortExplicit: config.explicit.has('kafkaPort'),
    isRegistryPortExplicit: config.explicit.has('registryPort'),
    env,
    signal,
    log: createLog('stack', config.logLevel),
    onProgress: (step, state, detail) => say(`  ${state === 'done' ? '✓' : '…'} ${titles[step]}: ${detail}`),
    onService: (name, state, lastError) => {
      if (state === 'restarting') say(`  ! ${lastError ?? name}; it is started again`)
    },
  })
  defer(stack.stop)
  const { brokers, registryUrl } = stack
  const runFile = writeRunFile(config.dataDir, { program: 'stack', brokers, registryUrl, lakeUrl: null, apiUrl: null, control: null })
  defer(runFile.remove)
  say(
    [
      '',
      'The local stack is running.',
      `  KAFKA_BROKERS=${stack.brokers.join(',')}`,
      `  SCHEMA_REGISTRY_URL=${stack.registryUrl}`,
      `  state and logs   ${config.dataDir}`,
      '  Ctrl-C stops it; the data stays.',
      '',
    ].join('\n'),
  )
  await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }))
  say('Stopping …')
})
