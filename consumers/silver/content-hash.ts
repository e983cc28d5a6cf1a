import { hash } from 'node:crypto'

/** Length of a content hash: 32 hex digits, the first half of a SHA-256. */
const HASH_DIGITS = 32

const isEmpty = (value: unknown): boolean =>
  value === null ||
  value === undefined ||
  (Array.isArray(value) && value.length === 0) ||
  (typeof value === 'object' && Object.keys(value).length === 0)

const canonical = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(canonical)
  if (typeof value === 'object' && value !== null) {
    return Object.entries(value)
      .filter(([, entry]) => !isEmpty(entry))
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, entry]) => [name, canonical(entry)])
  }
  return value
}

/**
 * Hash of a record's business fields as delivered, before any cleaning. Empty fields are skipped, so that a
 * schema with a new optional field gives an unchanged record the hash that it had.
 */
export const contentHash = (value: Record<string, unknown>): string =>
  hash('sha256', JSON.stringify(canonical(value)), 'hex').slice(0, HASH_DIGITS)

/** What stands for the content of a deletion. */
export const TOMBSTONE_HASH = '0'.repeat(HASH_DIGITS)
