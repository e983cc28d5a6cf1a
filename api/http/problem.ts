import { STATUS_CODES } from 'node:http'
import { damagedFile, isOutOfMemory } from '../../runtime/duckdb-errors.ts'
import { type ErrorCode, ReadflowError } from '../../runtime/errors.ts'
import { TooMany } from './lanes.ts'

export interface ParameterFault {
  parameter: string
  detail: string
}

/** An answer that is an error, as RFC 9457 has it. `detail` says what is wrong and what to do, in one line. */
export class Problem extends Error {
  readonly status: number
  readonly faults: readonly ParameterFault[]
  readonly headers: Readonly<Record<string, string>>
  /** Whether who runs the API should find it in the log. */
  readonly isLogged: boolean

  constructor(
    status: number,
    detail: string,
    options: { faults?: readonly ParameterFault[]; headers?: Record<string, string>; isLogged?: boolean } = {},
  ) {
    super(detail)
    this.name = 'Problem'
    this.status = status
    this.faults = options.faults ?? []
    this.headers = options.headers ?? {}
    this.isLogged = options.isLogged ?? status >= 500
  }
}

/** The body of an `application/problem+json` answer. */
export const problemBody = (problem: Problem, { instance, requestId }: { instance: string; requestId: string }) => ({
  type: 'about:blank',
  title: STATUS_CODES[problem.status] ?? 'Error',
  status: problem.status,
  detail: problem.message,
  instance,
  request_id: requestId,
  ...(problem.faults.length > 0 ? { errors: problem.faults } : {}),
})

/** What is to be told where too many ask at once; `why` says of what. */
export const tooMany = (why: string): Problem =>
  new Problem(429, `Too many answers at once: ${why}. Try again in some seconds.`, { headers: { 'Retry-After': '5' } })

/** What is to be told where a file of the lake is not as the log says. */
export const damagedLake = (damage: string): Problem =>
  new Problem(500, `The lake can not be read: ${damage}. Bring the file back from a copy of the lake; what is in other files is answered.`)

/** What is told of our own errors that need no look into the log; those of the lake come with what they are about. */
const byCode: { [code in ErrorCode]?: (said: string) => Problem } = {
  'lake-not-found': damagedLake,
  'lake-invalid': damagedLake,
  'lake-unavailable': (said) =>
    new Problem(503, `The lake does not answer: ${said}. Try again in some seconds; what is in memory is answered meanwhile.`, {
      headers: { 'Retry-After': '5' },
    }),
  config: (said) => new Problem(503, `The server can not answer: ${said}.`, { headers: { 'Retry-After': '60' } }),
}

/**
 * What a caller is told about anything that was thrown. An unexpected error keeps its text to itself:
 * the request id leads to it in the log.
 */
export const toProblem = (error: unknown): Problem => {
  if (error instanceof Problem) return error
  if (error instanceof TooMany) return tooMany(error.message)
  const type = typeof error === 'object' && error !== null && 'type' in error ? error.type : null
  if (type === 'entity.too.large') return new Problem(413, 'The body of the request is larger than this route takes.')
  if (type === 'entity.parse.failed') return new Problem(400, 'The body of the request is no valid JSON.')
  if (isOutOfMemory(error))
    return new Problem(503, 'Too much is asked at once for the memory that the server has. Try again in some seconds, or ask for less.', {
      headers: { 'Retry-After': '5' },
    })
  if (error instanceof ReadflowError && byCode[error.code]) {
    return byCode[error.code]!([error.message.replace(/\.$/, ''), error.hint?.replace(/\.$/, '')].filter(Boolean).join('. '))
  }
  const damage = error instanceof Error ? damagedFile(error.message) : null
  if (damage !== null) return damagedLake(damage)
  // The framework's own refusals, such as a path that is not valid percent-encoding.
  const status = typeof error === 'object' && error !== null && 'status' in error ? Number(error.status) : 500
  if (status >= 400 && status < 500) return new Problem(status, 'The request is malformed. Check the address and its encoding.')
  return new Problem(500, 'The server failed to answer. Try again; if it stays so, look for the request_id in the log of `serve`.')
}
