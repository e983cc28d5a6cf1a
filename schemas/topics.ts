import { catalogue, dlqTopic, entityNames, topicNames } from './catalogue.ts'
import { cleanTopic } from './clean.ts'
import type { EntityName } from './records.ts'

const DAY_MS = 86_400_000

/** What the programs did, as OpenLineage events in JSON; key is the run's id. */
export const RUNS_TOPIC = 'readflow.runs'

/** What was done about dead letters: one record a letter, by its key, with its whole history in JSON. */
export const LETTERS_TOPIC = 'readflow.dead-letters'

interface Sizes {
  partitions: number
  replicationFactor: number
}

const commonConfigs = (replicationFactor: number) => ({
  'message.timestamp.type': 'LogAppendTime',
  'min.insync.replicas': String(Math.max(1, replicationFactor - 1)),
  'max.message.bytes': String(16 * 1024 * 1024),
})

/** One partition, so that its records have one order, and nothing of them expires. */
export const lettersTopicSpec = (replicationFactor: number) => ({
  topic: LETTERS_TOPIC,
  partitions: 1,
  replicationFactor,
  configs: { ...commonConfigs(replicationFactor), 'cleanup.policy': 'compact', 'retention.ms': '-1' },
})

/**
 * An entity's clean topic: the newest record of each key is kept for ever, deletions for a week, so that a subscriber who was
 * away for less than that misses none. Who publishes creates it, with as many partitions as its source topic has.
 */
export const cleanTopicSpec = (name: EntityName, { partitions, replicationFactor }: Sizes) => ({
  topic: cleanTopic(name),
  partitions,
  replicationFactor,
  configs: { ...commonConfigs(replicationFactor), 'cleanup.policy': 'compact', 'delete.retention.ms': String(7 * DAY_MS) },
})

/** The topics that the pipeline reads and writes, but for the clean ones: partitions, retention and limits. Plain data, for whoever creates them. */
export const topicSpecs = ({ partitions, replicationFactor }: Sizes) => {
  const common = { ...commonConfigs(replicationFactor), 'cleanup.policy': 'delete' }
  const spec = (topic: string, count: number, retentionDays: number) => ({
    topic,
    partitions: count,
    replicationFactor,
    configs: { ...common, 'retention.ms': retentionDays < 0 ? '-1' : String(retentionDays * DAY_MS) },
  })
  return [
    // The landing zone is replayed as a whole and rarely: a month of it is enough behind Bronze.
    ...topicNames.map((name) => spec(catalogue[name].topic, partitions, name === 'raw' ? 30 : 365)),
    // Dead letters wait for a person.
    ...entityNames.map((name) => spec(dlqTopic(name), 1, -1)),
    // One partition: events come in the order in which they were published. What is older is in the table ops/runs.
    spec(RUNS_TOPIC, 1, 90),
    lettersTopicSpec(replicationFactor),
  ]
}
