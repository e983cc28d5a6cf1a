import { ReadflowError } from '../../runtime/errors.ts'
import type { KafkaClient } from '../../runtime/kafka/client.ts'
import { sleep } from '../../runtime/lifecycle.ts'
import type { Span } from './source.ts'

/** So often whoever waits for records looks whether they can come at all. */
const LOOK_MS = 5000
/** So many looks in a row that find no such topic: it is gone, and not just unknown for a moment. */
const LOOKS_WITHOUT = 3

/**
 * Throws `records-lost` where a topic ends before what is wanted of it: it lost records that the table has, and what it gets from
 * there on are others. Whoever waited for them would wait for ever.
 */
export const checkEnds = (topic: string, offsets: readonly { partition: number; end: number }[], spans: readonly Span[]): void => {
  for (const { partition, to } of spans) {
    const end = offsets.find((each) => each.partition === partition)?.end ?? 0
    if (end < to)
      throw new ReadflowError(
        'records-lost',
        `${topic}/${partition} ends at ${end}, and the table has taken in its offsets up to ${to - 1}: the topic lost records that the table has; the table keeps its rows.`,
        end > 0 ? { hint: `What the topic still has: --partition ${partition} --to ${end}.` } : {},
      )
  }
}

/** What tells a reader of a topic that it waits in vain. */
export interface EndWatch {
  client: Pick<KafkaClient, 'topicOffsets' | 'topicIds'>
  topic: string
  topicId: string
  /** What is still to come. */
  left: () => readonly Span[]
  lookMs?: number
}

/**
 * Rejects once a topic can not give what is still to come of it: it ends before, or is another one or none. Else it waits until
 * `signal`. A cluster that does not answer is waited out.
 */
export const untilInVain = async ({ client, topic, topicId, left, lookMs = LOOK_MS }: EndWatch, signal: AbortSignal): Promise<never> => {
  for (let without = 0; ; ) {
    await sleep(lookMs, signal)
    const ids = await client.topicIds([topic]).catch((error: unknown) => (isUnknown(error) ? new Map<string, string>() : null))
    if (!ids) continue
    const id = ids.get(topic)
    without = id === undefined ? without + 1 : 0
    if (without >= LOOKS_WITHOUT || (id !== undefined && id !== topicId)) throw topicChanged(topic)
    const offsets = id === undefined ? null : await client.topicOffsets(topic).catch(() => null)
    if (offsets) checkEnds(topic, offsets, left())
  }
}

/** Whether the cluster answered that there is no such topic, rather than not at all. */
const isUnknown = (error: unknown): boolean =>
  error instanceof Error && (('type' in error && error.type === 'UNKNOWN_TOPIC_OR_PARTITION') || isUnknown(error.cause))

export const topicChanged = (topic: string): ReadflowError =>
  new ReadflowError('topic-changed', `The topic ${topic} was deleted while it was read; the table keeps its rows.`)
