import type { Config } from './config/config.ts'
import { ReadflowError } from './errors.ts'

/** The broker and registry that a program run by itself must be told of. Throws ReadflowError `config`. */
export const requireServices = ({
  kafkaBrokers,
  schemaRegistryUrl,
}: Pick<Config, 'kafkaBrokers' | 'schemaRegistryUrl'>): { brokers: string[]; registryUrl: string } => {
  const missing = [kafkaBrokers ? [] : ['KAFKA_BROKERS (--brokers)'], schemaRegistryUrl ? [] : ['SCHEMA_REGISTRY_URL (--registry)']].flat()
  if (!kafkaBrokers || !schemaRegistryUrl)
    throw new ReadflowError('config', `${missing.join(' and ')} must be set.`, { hint: 'Start local ones with: npx readflow stack' })
  return { brokers: kafkaBrokers, registryUrl: schemaRegistryUrl }
}
