import { createRequire } from 'node:module'
import zlib from 'node:zlib'

const require = createRequire(import.meta.url)
const Long = require('kafkajs/src/utils/long') as { fromValue: (value: number | string) => unknown }
const RecordBatch = require('kafkajs/src/protocol/recordBatch/v0') as { RecordBatch: (options: object) => Promise<{ buffer: Buffer }> }
const crc32C = require('kafkajs/src/protocol/recordBatch/crc32C') as (bytes: Buffer) => number
const snappy = require('snappyjs') as { compress: (input: Uint8Array) => Uint8Array }
const lz4 = require('lz4js') as {
  compress: (input: Uint8Array) => Uint8Array
  compressBound: (bytes: number) => number
  compressBlock: (source: Uint8Array, target: Uint8Array, from: number, length: number, table: Uint32Array) => number
}
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
  return withCrc(batch)
}

const LOG_APPEND_TIME_BIT = 0x08

/** A batch as a broker appends it at some time to a topic that keeps its own. */
export const encodeAppended = async (
  records: readonly TestRecord[],
  options: { baseOffset: number; appendedMs: number },
): Promise<Buffer> => {
  const batch = await encodeBatch(records, { ...options, firstTimestampMs: options.appendedMs })
  batch.writeInt16BE(batch.readInt16BE(ATTRIBUTES_AT) | LOG_APPEND_TIME_BIT, ATTRIBUTES_AT)
  return withCrc(batch)
}

const CRC_AT = 17
const CODEC_MASK = 0x07
const RECORDS_AT = 61
const LOG_OVERHEAD_BYTES = 12

/** The batch with its CRC made right, by kafkajs' own CRC-32C; for batches changed on purpose. */
export const withCrc = (batch: Buffer): Buffer => {
  batch.writeUInt32BE(crc32C(batch.subarray(ATTRIBUTES_AT)) >>> 0, CRC_AT)
  return batch
}

/** A frame whose blocks copy from the blocks before them, which lz4js' own frames never do. */
const linkedLz4 = (input: Buffer): Buffer => {
  const SIZE = 64 * 1024
  const header = Buffer.from([0x04, 0x22, 0x4d, 0x18, 0x50, 0x40, 0])
  const parts: Buffer[] = [header]
  const seen = new Uint32Array(65_536)
  for (let at = 0; at < input.length; at += SIZE) {
    const block = input.subarray(at, at + SIZE)
    const out = Buffer.alloc(lz4.compressBound(block.length))
    const bytes = lz4.compressBlock(input, out, at, block.length, seen)
    const size = Buffer.alloc(4)
    const isPlain = bytes === 0 || bytes >= block.length
    size.writeUInt32LE(isPlain ? block.length + 0x80000000 : bytes)
    // A checksum of the block follows it: nobody looks at it, but it has to be passed over.
    parts.push(size, isPlain ? block : out.subarray(0, bytes), Buffer.alloc(4))
  }
  return Buffer.concat([...parts, Buffer.alloc(4)])
}

const xerial = (input: Buffer): Buffer => {
  const SIZE = 32 * 1024
  const parts = [Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0, 0, 0, 0, 1, 0, 0, 0, 1])]
  for (let at = 0; at < input.length; at += SIZE) {
    const block = Buffer.from(snappy.compress(input.subarray(at, at + SIZE)))
    const size = Buffer.alloc(4)
    size.writeInt32BE(block.length)
    parts.push(size, block)
  }
  return Buffer.concat(parts)
}

const compressors = {
  none: [0, (input: Buffer) => input],
  gzip: [1, (input: Buffer) => zlib.gzipSync(input)],
  snappy: [2, (input: Buffer) => Buffer.from(snappy.compress(input))],
  xerial: [2, xerial],
  lz4: [3, (input: Buffer) => Buffer.from(lz4.compress(input))],
  'lz4-linked': [3, linkedLz4],
  zstd: [4, (input: Buffer) => zlib.zstdCompressSync(input)],
} as const

/** The same batch, its plain records compressed as a client of that codec does it. */
export const recompressed = (batch: Buffer, codec: keyof typeof compressors): Buffer => {
  const [number, compress] = compressors[codec]
  const bytes = Buffer.concat([batch.subarray(0, RECORDS_AT), compress(batch.subarray(RECORDS_AT))])
  bytes.writeInt32BE(bytes.length - LOG_OVERHEAD_BYTES, 8)
  bytes.writeInt16BE((bytes.readInt16BE(ATTRIBUTES_AT) & ~CODEC_MASK) | number, ATTRIBUTES_AT)
  return withCrc(bytes)
}
