import type { BrowsedTopic, KafkaBrowser } from '../../runtime/kafka/second/browser.ts'
import type { DeliveredRecord } from '../../runtime/kafka/second/reader.ts'
import { dlqTopic, entityNames } from '../../schemas/catalogue.ts'
import { contracts } from '../../schemas/contracts/contracts.ts'
import type { EntityName } from '../../schemas/records.ts'
import type { ReadDeadLetters } from '../sql/dead-letters.ts'
import type { TopicsKafka } from './kafka.ts'
import { readBack } from './records.ts'

/** Why a record was refused, and where it came from, by the headers of its dead letter. */
export interface LetterOrigin {
  reason: string | null
  message: string | null
  topic: string | null
  topic_id: string | null
  partition: number | null
  offset: number | null
  attempt: number | null
}

/** Reads the headers of a dead letter; what is missing is null. */
export const originOf = ({ headers }: Pick<DeliveredRecord, 'headers'>): LetterOrigin => {
  const text = (name: string) => headers.find(([key]) => key?.toString('utf8') === `readflow.${name}`)?.[1]?.toString('utf8') || null
  const number = (name: string) => {
    const value = text(name)
    return value !== null && /^\d{1,15}$/.test(value) ? Number(value) : null
  }
  return {
    reason: text('error-class'),
    message: text('error-message'),
    topic: text('topic'),
    topic_id: text('topic-id'),
    partition: number('partition'),
    offset: number('offset'),
    attempt: number('attempt'),
  }
}

/** What would become of a dead letter, in words; nothing of it is done here. */
export const outlookOf = (entity: EntityName, { reason, topic, attempt }: LetterOrigin) => {
  const rule = contracts[entity].rules.find(({ id }) => id === reason)
  const to = topic ?? contracts[entity].topic
  const again = rule
    ? `The rule '${rule.id}' still stands: it refuses the record again, unless the rule is changed first.`
    : 'The rule that refused it is none any more: the record is judged by those that are now.'
  return {
    redrive: `Publishes its own key and bytes to ${to} again, as a new offset with attempt ${(attempt ?? 0) + 1}. ${again}`,
    discard: `Takes it off the list. The record stays in bronze.${entity} as it came, and the letter in ${dlqTopic(entity)} until it expires.`,
  }
}

export const everything = ({ partitions }: BrowsedTopic) => partitions.map(({ partition }) => partition)

/** Time of a topic's oldest or newest record; null where there is none. */
export const edgeMs = async (browser: KafkaBrowser, topic: BrowsedTopic, edge: 'first' | 'last'): Promise<number | null> => {
  const times: number[] = []
  for (const { partition, logStart, end } of topic.partitions) {
    if (edge === 'last') {
      const { records } = await readBack(browser, topic, [partition], { limit: 1, isWanted: () => true })
      if (records[0]) times.push(records[0].record.timestampMs)
      continue
    }
    for await (const { records } of browser.read({ topic: topic.name, topicId: topic.id, partition, from: logStart, to: end })) {
      if (!records[0]) continue
      times.push(records[0].timestampMs)
      break
    }
  }
  return times.length === 0 ? null : edge === 'last' ? Math.max(...times) : Math.min(...times)
}

/** The newest dead letters of every entity as rows for SQL. */
export const deadLetterRows =
  (kafka: TopicsKafka): ReadDeadLetters =>
  async ({ limit, signal }) => {
    const rows: Record<string, unknown>[] = []
    for (const entity of entityNames) {
      signal?.throwIfAborted()
      const found = await kafka.use(
        async (browser) => {
          const [topic] = await browser.topics([dlqTopic(entity)])
          return topic ? (await readBack(browser, topic, everything(topic), { limit, isWanted: () => true })).records : []
        },
        { timeoutMs: 30_000 },
      )
      for (const { partition, record } of found) {
        const { reason, message, topic, partition: from, offset, attempt } = originOf(record)
        const { timestamp, key, value, raw } = await kafka.decode(partition, record)
        const json = value === null ? null : JSON.stringify(value)
        rows.push({ entity, reason, message, topic, partition: from, offset, timestamp, key, value_json: json, raw, attempt })
      }
    }
    return rows
  }
