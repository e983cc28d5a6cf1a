import { createHash } from 'node:crypto'
import type { Request } from 'express'
import { packageVersion } from './package-version.ts'

/**
 * A strong ETag: of the build that was published, the question, the format, what is said of a hold, and our own version, as another
 * one may answer otherwise. The same bytes have the same, those of another lake another.
 */
export const etagOf = (of: { version: number; publishId: string; question: string; format: string; held: object }): string => {
  const { version, ...rest } = of
  return `"${version}-${createHash('sha256')
    .update(JSON.stringify([packageVersion, rest]))
    .digest('base64url')
    .slice(0, 22)}"`
}

/** Whether the caller has that answer already, by its If-None-Match. */
export const isFresh = (request: Pick<Request, 'headers'>, tag: string): boolean =>
  (request.headers['if-none-match'] ?? '')
    .split(',')
    .map((given) => given.trim().replace(/^W\//, ''))
    .includes(tag)

/** Whether the caller has any answer: enough, once it is known that there is one (RFC 9110, 13.1.2). */
export const hasAny = (request: Pick<Request, 'headers'>): boolean => request.headers['if-none-match']?.trim() === '*'
