import { ReadflowError } from '../../runtime/errors.ts'

/** What a person asked for, as they wrote it. */
export interface Request {
  from: string
  to: string
  partitions: readonly number[] | null
}

/** The request on one line, the same for the same request. */
export const requestText = ({ from, to, partitions }: Request): string =>
  `--from ${from} --to ${to}${partitions ? ` --partition ${[...new Set(partitions)].sort((a, b) => a - b).join(',')}` : ''}`

/** What stands in the place of a request for a rollback, which is on record like a replay. */
export const ROLLBACK_REQUEST = 'rollback'

/** Undoes `requestText`. Throws `lake-invalid` for another text. */
export const requestOf = (text: string): Request => {
  const match = /^--from (\S+) --to (\S+)(?: --partition ([\d,]+))?$/.exec(text)
  if (!match) throw new ReadflowError('lake-invalid', `${JSON.stringify(text)} is no request for a replay.`)
  const [, from = '', to = '', partitions] = match
  return { from, to, partitions: partitions === undefined ? null : partitions.split(',').map(Number) }
}
