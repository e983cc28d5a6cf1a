import { type LetterOrigin, originOf } from '../../lineage/letters/letter.ts'
import { type LetterCase, type LetterState, nextAttempt } from '../../lineage/letters/states.ts'
import type { BrowsedTopic, KafkaBrowser } from '../../runtime/kafka/second/browser.ts'
import { dlqTopic, entityNames } from '../../schemas/catalogue.ts'
import { contracts } from '../../schemas/contracts/contracts.ts'
import type { EntityName } from '../../schemas/records.ts'
import type { ReadDeadLetters } from '../sql/dead-letters.ts'
import type { TopicsKafka } from './kafka.ts'
import { readBack } from './records.ts'

/** What a redrive or a discard of a letter does, or why it does nothing, in words. */
export const outlookOf = (
  entity: EntityName,
  { reason, topic }: LetterOrigin,
  of: Pick<LetterCase, 'state' | 'attempts' | 'letter'> | null,
) => {
  const to = topic ?? contracts[entity].topic
  if (!of) return { redrive: 'Nothing: it is no letter of Silver.', discard: 'Nothing: it is no letter of Silver.' }
  const done = doneText[of.state]
  if (done !== null) {
    const again = of.state === 'discarded' ? ' It can still be sent again by its name.' : ''
    return { redrive: `Nothing: ${done}${again}`, discard: `Nothing: ${done}` }
  }
  const discard = `Takes it off the list, on record. Its record stays in bronze.${entity} as it came, and the letter in ${dlqTopic(entity)}.`
  if (reason === 'too-large') return { redrive: 'Nothing: the value was too large for its bytes to be in the letter.', discard }
  const rule = contracts[entity].rules.find(({ id }) => id === reason)
  const again = rule
    ? `The rule '${rule.id}' still stands: it refuses the record again, unless what it looks at has changed, such as a schema that was missing.`
    : 'The rule that refused it is none any more: the record is judged by those that are now.'
  return { redrive: `Publishes its own key and bytes to ${to} again, as a new offset with attempt ${nextAttempt(of)}. ${again}`, discard }
}

/** Why nothing is to be done about a letter any more. */
const doneText: Readonly<Record<LetterState, string | null>> = {
  open: null,
  pending: 'it was sent again, and Silver has not come to it yet.',
  accepted: 'it was accepted since.',
  repeat: 'it was sent again, and found to say what was accepted before.',
  discarded: 'it was discarded.',
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
