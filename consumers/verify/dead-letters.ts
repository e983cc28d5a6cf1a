import type { DuckDb } from '../../runtime/duckdb.ts'
import type { DeliveredRecord, SecondReader } from '../../runtime/kafka/second/reader.ts'

const ROWS_AT_ONCE = 20_000
const ORIGIN = ['readflow.topic-id', 'readflow.partition', 'readflow.offset'] as const

/** `topic id/partition/offset` of a dead letter's record; null for what is no dead letter of ours. */
export const originOf = ({ headers }: Pick<DeliveredRecord, 'headers'>): string | null => {
  const values = ORIGIN.map((name) => headers.findLast(([key]) => key?.toString('utf8') === name)?.[1]?.toString('utf8') ?? '')
  const [topicId, partition, offset] = values
  return topicId && !topicId.includes('/') && /^\d{1,9}$/.test(partition ?? '') && /^\d{1,15}$/.test(offset ?? '') ? values.join('/') : null
}

export interface Letters {
  read: number
  /** Whether the topic still has every letter that it got. */
  isComplete: boolean
}

/**
 * Reads a topic of dead letters whole, and puts where their records came from into the DuckDB table `letters`, each
 * origin once. A topic that is not there has none.
 */
export const loadLetters = async (duckdb: DuckDb, reader: SecondReader, topic: string): Promise<Letters> => {
  await duckdb.run('CREATE OR REPLACE TABLE letters_read (topic_id VARCHAR, part BIGINT, at_offset BIGINT)')
  const letters: Letters = { read: 0, isComplete: true }
  let origins: string[] = []
  const save = async () => {
    await duckdb.run(
      `INSERT INTO letters_read SELECT split_part(o, '/', 1), split_part(o, '/', 2)::BIGINT, split_part(o, '/', 3)::BIGINT
       FROM (SELECT unnest($1) AS o)`,
      [origins],
    )
    origins = []
  }
  const state = await reader.topic(topic)
  for (const { partition, logStart, end } of state?.partitions ?? []) {
    if (logStart > 0) letters.isComplete = false
    for await (const batch of reader.read({ topic, topicId: state?.id ?? '', partition, from: logStart, to: end })) {
      if (batch.lost) letters.isComplete = false
      for (const record of batch.records) {
        const origin = originOf(record)
        if (origin) origins.push(origin)
        letters.read++
      }
      if (origins.length >= ROWS_AT_ONCE) await save()
    }
  }
  if (origins.length > 0) await save()
  await duckdb.run('CREATE OR REPLACE TABLE letters AS SELECT DISTINCT * FROM letters_read')
  return letters
}
