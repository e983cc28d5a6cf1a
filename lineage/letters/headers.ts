/*
 * What the headers of dead letters, and of records that a redrive has sent again, are called. ARCHITECTURE.md ("Dead letters")
 * says who writes which.
 */

const PREFIX = 'readflow.'

/** On a letter: why the record was refused, and which one it was. */
export const letterHeader = {
  reason: `${PREFIX}error-class`,
  message: `${PREFIX}error-message`,
  topic: `${PREFIX}topic`,
  topicId: `${PREFIX}topic-id`,
  partition: `${PREFIX}partition`,
  offset: `${PREFIX}offset`,
  schemaId: `${PREFIX}schema-id`,
  /** How often the record was refused by then; on a record that is sent again, how often before. */
  attempt: `${PREFIX}attempt`,
  /** When the record arrived first, in epoch ms; on a record that is sent again the same. */
  arrived: `${PREFIX}timestamp`,
} as const

/** On a record that is sent again: `topic id/partition/offset` of the record that was refused first. */
export const REDRIVE_OF = `${PREFIX}redrive-of`

/** On a record that `readflow reparse` has made again: `topic id/partition/offset` of the response that it is of. */
export const REPARSE_OF = `${PREFIX}reparse-of`

/** Where a record lies, or lay, in Kafka. */
export interface Position {
  topicId: string
  partition: number
  offset: number
}

export const positionId = ({ topicId, partition, offset }: Position): string => `${topicId}/${partition}/${offset}`

/** Reads `topic id/partition/offset`; null for anything else. */
export const parsePosition = (text: string): Position | null => {
  const [, topicId, partition, offset] = /^([^/\s]{1,100})\/(\d{1,9})\/(\d{1,15})$/.exec(text) ?? []
  return topicId === undefined ? null : { topicId, partition: Number(partition), offset: Number(offset) }
}

/** The value of a header, the last one where there are several, as Bronze has it; null where it is missing or empty. */
export const headerText = (headers: readonly (readonly [string, Uint8Array | null])[], name: string): string | null => {
  const value = headers.findLast(([key]) => key === name)?.[1]
  return value && value.length > 0 ? Buffer.from(value).toString('utf8') : null
}

/**
 * When a record first arrived: its own timestamp, or what a redrive or a reparse says that it was. That is believed where both headers of
 * it are well formed and it lies before the record's own timestamp, so that nobody can put a version into the future by
 * it; anything else counts as not being there.
 */
export const firstArrivalMs = (timestampMs: number, redriveOf: string | null, arrived: string | null): number => {
  if (redriveOf === null || arrived === null || parsePosition(redriveOf) === null || !/^\d{1,15}$/.test(arrived)) return timestampMs
  return Math.min(Number(arrived), timestampMs)
}
