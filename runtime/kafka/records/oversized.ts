import { createHash } from 'node:crypto'
import type { KafkaRecord } from '../record-batch.ts'
import { type ByteWindow, malformed } from './byte-window.ts'

const MAX_PREFIX_BYTES = 64

/**
 * Reads a record that is too large to be held: its value is counted and hashed as it passes by. A key or
 * headers that are too large themselves are left out. The window stands behind the record's length.
 */
export const readOversized = async (window: ByteWindow, length: number, maxRecordBytes: number) => {
  let left = length
  const counted = <T>(read: () => T): T => {
    const from = window.position()
    const value = read()
    left -= window.position() - from
    if (left < 0) throw malformed('a record is longer than its fields')
    return value
  }
  const prefix = async () => void (await window.fill(Math.min(MAX_PREFIX_BYTES, left)))
  /** Passes over `bytes`, hashing them. */
  const pass = async (bytes: number): Promise<string> => {
    if (bytes > left) throw malformed('a record is longer than its fields')
    const hash = createHash('sha256')
    left -= bytes
    for (let rest = bytes; rest > 0; ) {
      if (!(await window.fill(1))) throw malformed('its last record is cut short')
      const part = window.take(Math.min(rest, window.available()))
      hash.update(part)
      rest -= part.length
    }
    return hash.digest('hex')
  }

  await prefix()
  counted(() => window.take(1))
  const timestampDelta = counted(window.varint)
  const offsetDelta = counted(window.varint)
  const keyBytes = counted(window.varint)
  let key: Buffer | null = null
  if (keyBytes > maxRecordBytes) await pass(keyBytes)
  else if (keyBytes >= 0) {
    if (keyBytes > left || !(await window.fill(keyBytes))) throw malformed('a record is longer than its fields')
    key = Buffer.from(counted(() => window.take(keyBytes)))
  }
  await prefix()
  const oversizedBytes = Math.max(0, counted(window.varint))
  const oversizedHash = await pass(oversizedBytes)
  let headers: KafkaRecord['headers'] = []
  if (left > maxRecordBytes) await pass(left)
  else {
    await window.fill(left)
    headers = counted(window.headers)
  }
  if (left !== 0) throw malformed('a record is longer than its fields')
  return { timestampDelta, offsetDelta, key, value: null, headers, oversizedBytes, oversizedHash }
}
