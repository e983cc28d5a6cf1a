import { createRequire } from 'node:module'

const require = createRequire(import.meta.url)
const Long = require('kafkajs/src/utils/long') as { fromValue: (value: number | string) => unknown }
const RecordBatch = require('kafkajs/src/protocol/recordBatch/v0') as { RecordBatch: (options: object) => Promise<{ buffer: Buffer }> }
const Record = require('kafkajs/src/protocol/recordBatch/record/v0') as (record: object) => unknown

export interface TestRecord {
  key?: Buffer | string | null
  value?: Buffer | string | null
  timestampDelta?: number
  headers?: { [name: string]: string }
}

/** A record batch as kafkajs' own encoder writes it: an encoder that is not ours. */
export const encodeBatch = async (
  records: readonly TestRecord[],
  options: { baseOffset?: number; firstTimestampMs?: number; compression?: number; producerId?: number; transactional?: boolean } = {},
): Promise<Buffer> => {
  const { baseOffset = 0, firstTimestampMs = 1_700_000_000_000, compression = 0, producerId = -1, transactional = false } = options
  const { buffer } = await RecordBatch.RecordBatch({
    compression,
    firstOffset: Long.fromValue(baseOffset),
    firstTimestamp: firstTimestampMs,
    maxTimestamp: firstTimestampMs,
    lastOffsetDelta: records.length - 1,
    producerId: Long.fromValue(producerId),
    transactional,
    records: records.map(({ key = null, value = null, timestampDelta = 0, headers = {} }, index) =>
      Record({ offsetDelta: index, timestampDelta, key, value, headers }),
    ),
  })
  return buffer
}

const CONTROL_BIT = 0x20
const ATTRIBUTES_AT = 21

/** A control batch that ends a transaction. */
export const encodeMarker = async (kind: 'abort' | 'commit', options: { baseOffset: number; producerId: number }): Promise<Buffer> => {
  const key = Buffer.from([0, 0, 0, kind === 'abort' ? 0 : 1])
  const batch = await encodeBatch([{ key, value: Buffer.alloc(6) }], { ...options, transactional: true })
  batch.writeInt16BE(batch.readInt16BE(ATTRIBUTES_AT) | CONTROL_BIT, ATTRIBUTES_AT)
  return batch
}
