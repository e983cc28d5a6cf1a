import type { Pieces } from './expand.ts'

const EMPTY = Buffer.alloc(0)
const MAX_VARINT_BYTES = 10

export const malformed = (what: string) => new RangeError(what)
const cutShort = () => malformed('its last record is cut short')

/**
 * A window that moves over expanded bytes. Reading is synchronous within the window and throws RangeError
 * beyond it; `fill` moves the window on. Buffers given out are views of the window's piece.
 */
export const createByteWindow = (pieces: Pieces) => {
  let buffer: Buffer = EMPTY
  let at = 0

  /** Zigzag varint; sums of floats because timestamps go beyond 32 bits. */
  const varint = (): number => {
    let value = 0
    let scale = 1
    for (;;) {
      const byte = buffer[at++]
      if (byte === undefined) throw cutShort()
      value += (byte & 0x7f) * scale
      if (byte < 0x80) break
      scale *= 128
    }
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2
  }
  const take = (length: number): Buffer => {
    if (at + length > buffer.length) throw cutShort()
    at += length
    return buffer.subarray(at - length, at)
  }

  const bytes = (): Buffer | null => {
    const length = varint()
    return length < 0 ? null : take(length)
  }

  return {
    varint,
    take,
    /** Bytes with their length before them; null for a negative length. */
    bytes,
    /** Headers as a record lists them: name and value, in order. */
    headers: (): [string, Buffer | null][] => {
      const headers: [string, Buffer | null][] = []
      for (let left = varint(); left > 0; left--) {
        const name = bytes()
        headers.push([name === null ? '' : name.toString('utf8'), bytes()])
      }
      return headers
    },
    /** Whether a whole varint lies in the window. */
    hasVarint: (): boolean => {
      for (let index = at; index < buffer.length; index++) {
        if ((buffer[index] as number) < 0x80) return true
        if (index - at >= MAX_VARINT_BYTES) throw malformed('a number in a record has too many bytes')
      }
      return false
    },
    position: () => at,
    moveTo: (position: number) => {
      at = position
    },
    available: () => buffer.length - at,
    /** Moves the window on until `bytes` lie in it; returns whether there were so many. */
    fill: async (bytes: number): Promise<boolean> => {
      const parts = [buffer.subarray(at)]
      let size = buffer.length - at
      while (size < bytes) {
        const piece = await pieces.next()
        if (piece === null) break
        parts.push(piece)
        size += piece.length
      }
      const rest = parts.filter(({ length }) => length > 0)
      buffer = rest.length > 1 ? Buffer.concat(rest, size) : (rest[0] ?? EMPTY)
      at = 0
      return size >= bytes
    },
    close: () => {
      buffer = EMPTY
      at = 0
      pieces.close()
    },
  }
}

export type ByteWindow = ReturnType<typeof createByteWindow>
