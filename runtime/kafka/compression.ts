import { createRequire } from 'node:module'
import zlib from 'node:zlib'

const require = createRequire(import.meta.url)
const { uncompress: snappyUncompress } = require('snappyjs') as { uncompress: (input: Uint8Array, maxLength?: number) => Uint8Array }
const lz4 = require('lz4js') as { decompress: (input: Uint8Array, maxSize?: number) => Uint8Array }

/** The number that a record batch's attributes give to a codec. */
export const codecs = { none: 0, gzip: 1, snappy: 2, lz4: 3, zstd: 4 } as const

const XERIAL_MAGIC = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00])
const XERIAL_HEADER_BYTES = 16

/** Java clients frame snappy in blocks ("xerial"), others send one raw block. */
const unsnappy = (input: Buffer, maxBytes: number): Uint8Array => {
  if (!input.subarray(0, 8).equals(XERIAL_MAGIC)) return snappyUncompress(input, maxBytes)
  const blocks: Uint8Array[] = []
  let left = maxBytes
  for (let at = XERIAL_HEADER_BYTES; at < input.length; ) {
    const size = input.readInt32BE(at)
    const block = snappyUncompress(input.subarray(at + 4, at + 4 + size), left)
    left -= block.length
    blocks.push(block)
    at += 4 + size
  }
  return Buffer.concat(blocks)
}

/**
 * Expands the records part of a batch. `maxBytes` bounds what comes out: a batch that expands beyond it is
 * refused, whatever its header says. Throws RangeError or the codec's own error.
 */
export const decompress = (codec: number, input: Buffer, maxBytes: number): Buffer => {
  switch (codec) {
    case codecs.none:
      return input
    case codecs.gzip:
      return zlib.gunzipSync(input, { maxOutputLength: maxBytes })
    case codecs.zstd:
      return zlib.zstdDecompressSync(input, { maxOutputLength: maxBytes })
    case codecs.snappy:
      return Buffer.from(unsnappy(input, maxBytes))
    case codecs.lz4:
      return Buffer.from(lz4.decompress(input, maxBytes))
    default:
      throw new RangeError(`compression codec ${codec} is unknown`)
  }
}

export const compressZstd = (input: Buffer): Buffer => zlib.zstdCompressSync(input)
