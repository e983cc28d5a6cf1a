import { createHash } from 'node:crypto'
import type { Request } from 'express'

/** A strong ETag: of the version, the question, the format, and what is said of a hold. The same bytes have the same. */
export const etagOf = (of: { version: number; question: string; format: string; held: object }): string => {
  const { version, ...rest } = of
  return `"${version}-${createHash('sha256').update(JSON.stringify(rest)).digest('base64url').slice(0, 22)}"`
}

/** Whether the caller has that answer already, by its If-None-Match. `*` names none, so it is not one that we gave. */
export const isFresh = (request: Pick<Request, 'headers'>, tag: string): boolean =>
  (request.headers['if-none-match'] ?? '')
    .split(',')
    .map((given) => given.trim().replace(/^W\//, ''))
    .includes(tag)
