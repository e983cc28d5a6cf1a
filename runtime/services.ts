import type { Config } from './config/config.ts'
import { ReadflowError } from './errors.ts'

/** The brokers alone. Throws ReadflowError `config`. */
export const requireBrokers = ({ dataDir, kafkaBrokers }: Pick<Config, 'dataDir' | 'kafkaBrokers'>): string[] => {
  if (kafkaBrokers) return kafkaBrokers
  throw new ReadflowError('config', `KAFKA_BROKERS (--brokers) must be set: no up or stack runs on ${dataDir}.`, {
    hint: 'Name the folder of one that runs with --data DIR.',
  })
}

/** The broker and registry that a program uses: told, or those that run on its data folder. Throws ReadflowError `config`. */
export const requireServices = ({
  dataDir,
  kafkaBrokers,
  schemaRegistryUrl,
}: Pick<Config, 'dataDir' | 'kafkaBrokers' | 'schemaRegistryUrl'>): { brokers: string[]; registryUrl: string } => {
  const missing = [kafkaBrokers ? [] : ['KAFKA_BROKERS (--brokers)'], schemaRegistryUrl ? [] : ['SCHEMA_REGISTRY_URL (--registry)']].flat()
  if (!kafkaBrokers || !schemaRegistryUrl)
    throw new ReadflowError('config', `${missing.join(' and ')} must be set: no up or stack runs on ${dataDir}.`, {
      hint: 'Start local ones with: npx readflow stack; or name the folder of those that run with --data DIR.',
    })
  return { brokers: kafkaBrokers, registryUrl: schemaRegistryUrl }
}
