import { createRequire } from 'node:module'

const require = createRequire(import.meta.url)
const lz4 = require('lz4js') as {
  decompressBlock: (source: Uint8Array, target: Uint8Array, from: number, length: number, to: number) => number
}

/** The frame format as lz4's own description has it ("LZ4 Frame Format Description"). */
const MAGIC = 0x184d2204
const FLAG = { dictionary: 0x01, contentSum: 0x04, contentSize: 0x08, blockSum: 0x10, independent: 0x20 }
const VERSION_MASK = 0xc0
const VERSION = 0x40
const UNCOMPRESSED = 0x80000000
const MAX_RATIO = 255
const HISTORY_BYTES = 64 * 1024

const malformed = (what: string) => new RangeError(`lz4: ${what}`)

/** Expands an lz4 frame block by block (of at most 4 MiB); each block is a buffer of its own. Throws RangeError. */
export function* unlz4(input: Buffer): Generator<Buffer> {
  if (input.length < 7 || input.readUInt32LE(0) !== MAGIC) throw malformed('the frame has no magic number')
  const flags = input[4] as number
  if ((flags & VERSION_MASK) !== VERSION) throw malformed('the frame has an unknown version')
  if (flags & FLAG.dictionary) throw malformed('the frame needs a dictionary')
  const sizeClass = ((input[5] as number) >>> 4) & 7
  if (sizeClass < 4) throw malformed('the frame has an unknown block size')
  const maxBlockBytes = 1 << (8 + 2 * sizeClass)
  const isIndependent = (flags & FLAG.independent) !== 0
  let history: Buffer = Buffer.alloc(0)

  for (let at = 7 + (flags & FLAG.contentSize ? 8 : 0); ; ) {
    if (at + 4 > input.length) throw malformed('the frame is cut short')
    const size = input.readUInt32LE(at)
    at += 4
    if (size === 0) return
    const isPlain = size >= UNCOMPRESSED
    const length = isPlain ? size - UNCOMPRESSED : size
    if (length > maxBlockBytes || at + length > input.length) throw malformed('a block is longer than it may be')
    const block = isPlain
      ? Buffer.from(input.subarray(at, at + length))
      : expandBlock(input.subarray(at, at + length), history, maxBlockBytes)
    at += length + (flags & FLAG.blockSum ? 4 : 0)
    if (!isIndependent) history = Buffer.concat([history, block]).subarray(-HISTORY_BYTES)
    yield block
  }
}

/** A block of a frame whose blocks are linked may copy from what came before it. */
const expandBlock = (block: Buffer, history: Buffer, maxBlockBytes: number): Buffer => {
  const target = Buffer.allocUnsafe(history.length + Math.min(maxBlockBytes, block.length * MAX_RATIO))
  history.copy(target)
  const end = lz4.decompressBlock(block, target, 0, block.length, history.length)
  if (!(end <= target.length)) throw malformed('a block expands beyond its size')
  return Buffer.from(target.subarray(history.length, end))
}
