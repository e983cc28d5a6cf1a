import zlib from 'node:zlib'
import { unlz4 } from './lz4.ts'
import { unsnappy } from './snappy.ts'

/** The number that a record batch's attributes give to a codec. */
export const codecs = { none: 0, gzip: 1, snappy: 2, lz4: 3, zstd: 4 } as const

/** Expanded bytes in order, a piece at a time; null at the end. Throws RangeError where they can't be expanded. */
export interface Pieces {
  next: () => Buffer | null | Promise<Buffer | null>
  close: () => void
}

const PIECE_BYTES = 64 * 1024
// Below this share of the limit, compressed bytes are tried at once: most batches then fit.
const LIKELY_RATIO = 8

/**
 * Opens the records part of a batch for reading. No more than about `maxAtOnceBytes` of what it expands to are
 * in memory at once. Throws RangeError.
 */
export const expand = (codec: number, input: Buffer, maxAtOnceBytes: number): Pieces => {
  switch (codec) {
    case codecs.none:
      return piecesOf([input].values())
    case codecs.gzip:
      return atOnce(zlib.gunzipSync, input, maxAtOnceBytes) ?? streamed(zlib.createGunzip({ chunkSize: PIECE_BYTES }), input)
    case codecs.snappy:
      return piecesOf(unsnappy(input, maxAtOnceBytes))
    case codecs.lz4:
      return piecesOf(unlz4(input))
    case codecs.zstd:
      return (
        atOnce(zlib.zstdDecompressSync, input, maxAtOnceBytes) ?? streamed(zlib.createZstdDecompress({ chunkSize: PIECE_BYTES }), input)
      )
    default:
      throw new RangeError(`compression codec ${codec} is unknown`)
  }
}

const piecesOf = (iterator: Iterator<Buffer>): Pieces => ({
  next: () => iterator.next().value ?? null,
  close: () => undefined,
})

/** The whole of it, by one call that blocks for a moment; null where it is or may be too large for that. */
const atOnce = (
  decompress: (input: Buffer, options: { maxOutputLength: number }) => Buffer,
  input: Buffer,
  maxAtOnceBytes: number,
): Pieces | null => {
  if (input.length * LIKELY_RATIO > maxAtOnceBytes) return null
  try {
    return piecesOf([decompress(input, { maxOutputLength: maxAtOnceBytes })].values())
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ERR_BUFFER_TOO_LARGE') return null
    throw unexpandable(error)
  }
}

const streamed = (stream: zlib.Gunzip | zlib.ZstdDecompress, input: Buffer): Pieces => {
  const iterator: AsyncIterator<Buffer> = stream[Symbol.asyncIterator]()
  stream.end(input)
  return {
    next: async () => {
      try {
        const { done, value } = await iterator.next()
        return done ? null : value
      } catch (error) {
        throw unexpandable(error)
      }
    },
    close: () => void stream.destroy(),
  }
}

const unexpandable = (cause: unknown) =>
  new RangeError(`its records can't be expanded: ${cause instanceof Error ? cause.message : cause}`, { cause })
