import { POLL_ID } from '../../lineage/record-headers.ts'
import type { KafkaRecord } from '../../runtime/kafka/record-batch.ts'

/** A flush has records of few polls; a line that names more helps nobody. */
const MAX_IDS = 20
/** Whoever else publishes may write what he likes. */
const MAX_CHARS = 64

/** Adds the polls that published some records, by their headers. */
export const addPollIds = (records: readonly Pick<KafkaRecord, 'headers'>[], pollIds: Set<string>): void => {
  let last: Buffer | null = null
  for (const { headers } of records) {
    const value = headers.findLast(([name]) => name === POLL_ID)?.[1] ?? null
    // Nearly always that of the record before.
    if (value === null || (last !== null && value.equals(last))) continue
    last = value
    if (pollIds.size < MAX_IDS) pollIds.add(value.toString('utf8', 0, MAX_CHARS))
  }
}
