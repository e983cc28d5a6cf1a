import { letterHeader } from '../../lineage/letters/headers.ts'
import { errorLine } from '../../runtime/errors.ts'
import type { KafkaClient } from '../../runtime/kafka/client.ts'
import type { KafkaRecord } from '../../runtime/kafka/record-batch.ts'
import type { Log } from '../../runtime/log.ts'
import { readTopicWhole } from './read-topic.ts'

/** Records of one partition of the topic that dead letters come from, before an offset. */
export interface Origins {
  topicId: string
  partition: number
  below: number
}

/**
 * The offsets, for each of `wanted`, that a dead letter names as its origin, with the class of its error: each once, however
 * often it was sent, as the last one has it. Reads the whole dead letter topic in a group of its own, which commits nothing.
 */
export const readDeadLetterOrigins = async (
  { client, log }: { client: KafkaClient; log: Log },
  topic: string,
  wanted: readonly Origins[],
): Promise<Map<number, string>[]> => {
  const found = wanted.map(() => new Map<number, string>())
  const note = (record: KafkaRecord) => {
    const origin = originOf(record)
    wanted.forEach(({ topicId, partition, below }, index) => {
      if (origin.topicId === topicId && origin.partition === partition && origin.offset < below)
        found[index]?.set(origin.offset, origin.errorClass)
    })
  }
  await readTopicWhole({
    client,
    log,
    topic,
    group: 'readflow.dead-letters',
    note,
    // Letters that nobody can read count as none.
    damaged: (damage) => log.warn({ topic, error: errorLine(damage) }, 'dead letters are passed over'),
  })
  return found
}

const originOf = ({ headers }: KafkaRecord) => {
  const text = (name: string) => headers.find(([each]) => each === name)?.[1]?.toString('utf8') ?? ''
  return {
    topicId: text(letterHeader.topicId),
    partition: Number(text(letterHeader.partition) || Number.NaN),
    offset: Number(text(letterHeader.offset) || Number.NaN),
    errorClass: text(letterHeader.reason),
  }
}
