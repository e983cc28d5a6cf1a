/** Gives dead letters from their topics, newest first, as rows whose columns are `deadLetterColumns`. */
export type ReadDeadLetters = (options: { limit: number; signal?: AbortSignal | undefined }) => Promise<readonly Record<string, unknown>[]>

/** Columns of `dead_letters`, with their SQL types. `raw` is base64. */
export const deadLetterColumns = {
  entity: 'VARCHAR',
  reason: 'VARCHAR',
  message: 'VARCHAR',
  topic: 'VARCHAR',
  partition: 'BIGINT',
  offset: 'BIGINT',
  timestamp: 'TIMESTAMPTZ',
  key: 'VARCHAR',
  value_json: 'VARCHAR',
  raw: 'VARCHAR',
  attempt: 'BIGINT',
} as const
