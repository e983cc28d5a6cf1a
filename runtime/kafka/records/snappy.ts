const HISTORY_BYTES = 64 * 1024
const PIECE_BYTES = 64 * 1024
const XERIAL_MAGIC = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00])
const XERIAL_HEADER_BYTES = 16

const malformed = (what: string) => new RangeError(`snappy: ${what}`)

/**
 * Expands snappy piece by piece. Java clients frame it in blocks ("xerial"), others send one raw block of any
 * size. Pieces are buffers of their own, of at most `maxAtOnceBytes` or 64 KiB. Throws RangeError.
 */
export function* unsnappy(input: Buffer, maxAtOnceBytes: number): Generator<Buffer> {
  if (!input.subarray(0, XERIAL_MAGIC.length).equals(XERIAL_MAGIC)) return yield* rawBlock(input, maxAtOnceBytes)
  for (let at = XERIAL_HEADER_BYTES; at < input.length; ) {
    if (at + 4 > input.length) throw malformed('a block ends in its length')
    const end = at + 4 + input.readInt32BE(at)
    if (end <= at + 4 || end > input.length) throw malformed('a block is longer than the batch')
    yield* rawBlock(input.subarray(at + 4, end), maxAtOnceBytes)
    at = end
  }
}

/** One raw block. What is larger than `maxAtOnceBytes` comes in pieces, with the last 64 KiB kept for its copies. */
function* rawBlock(input: Buffer, maxAtOnceBytes: number): Generator<Buffer> {
  let at = 0
  const byte = (): number => {
    const value = input[at++]
    if (value === undefined) throw malformed('the block is cut short')
    return value
  }
  const littleEndian = (bytes: number): number => {
    let value = 0
    for (let index = 0; index < bytes; index++) value += byte() * 256 ** index
    return value
  }
  const statedBytes = (): number => {
    let value = 0
    for (let scale = 1; scale <= 128 ** 4; scale *= 128) {
      const next = byte()
      value += (next & 0x7f) * scale
      if (next < 0x80) return value
    }
    throw malformed('the block states no size')
  }
  let leftBytes = statedBytes()
  const out = Buffer.allocUnsafe(leftBytes <= maxAtOnceBytes ? leftBytes : HISTORY_BYTES + PIECE_BYTES)
  let written = 0
  let given = 0
  const hasRoom = () => written < out.length
  const take = (): Buffer => {
    const piece = Buffer.from(out.subarray(given, written))
    out.copyWithin(0, written - HISTORY_BYTES, written)
    written = HISTORY_BYTES
    given = HISTORY_BYTES
    return piece
  }

  while (at < input.length) {
    const tag = byte()
    const kind = tag & 3
    let length = (tag >>> 2) + 1
    let offset = 0
    if (kind === 0 && length > 60) length = littleEndian(length - 60) + 1
    if (kind === 1) {
      length = ((tag >>> 2) & 7) + 4
      offset = ((tag >>> 5) << 8) + byte()
    } else if (kind > 1) offset = littleEndian(kind === 2 ? 2 : 4)
    leftBytes -= length
    if (leftBytes < 0) throw malformed('the block is larger than it states')
    if (kind === 0) {
      if (at + length > input.length) throw malformed('the block is cut short')
      for (const end = at + length; at < end; ) {
        const count = Math.min(end - at, out.length - written)
        input.copy(out, written, at, at + count)
        written += count
        at += count
        if (at < end && !hasRoom()) yield take()
      }
    } else {
      for (let left = length; left > 0; left--) {
        if (!hasRoom()) yield take()
        if (offset === 0 || offset > written) throw malformed('a copy reaches back too far')
        out[written] = out[written - offset] as number
        written++
      }
    }
  }
  if (leftBytes !== 0) throw malformed('the block is smaller than it states')
  if (written > given) yield out.subarray(given, written)
}
