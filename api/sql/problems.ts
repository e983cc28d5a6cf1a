import { damagedFile } from '../../runtime/duckdb-errors.ts'
import { damagedLake, Problem } from '../http/problem.ts'
import { WorkerLost } from './pool.ts'

/** A query that can not be done as it is asked: what DuckDB or the guard says of it, the first line for people. */
export const refusal = (message: string): Problem => {
  const [first = '', ...rest] = message.split('\n')
  const damage = damagedFile(message)
  if (damage !== null) return damagedLake(damage)
  const isMemory = first.startsWith('Out of Memory')
  const detail = isMemory ? 'it needs more memory than a query may have' : first.replace(/[.\s]+$/, '')
  return new Problem(isMemory ? 422 : 400, `The query was refused: ${detail}.`, {
    faults: [{ parameter: 'sql', detail: [first, ...rest].join('\n').trim() }],
  })
}

const SIMPLER = 'Ask for less: fewer rows, a shorter time, or one of the aggregates.'

/** What a lost worker means for who asked; other errors as they are. */
export const asProblem = (error: unknown): unknown => {
  if (!(error instanceof WorkerLost)) return error
  const { why, message } = error
  if (why === 'busy')
    return new Problem(429, `Too many queries at once: ${message}. Try again in a second.`, { headers: { 'Retry-After': '1' } })
  if (why === 'timeout') return new Problem(408, `The query was stopped: ${message}. ${SIMPLER}`, { isLogged: true })
  if (why === 'memory') return new Problem(422, `The query was stopped: ${message}. ${SIMPLER}`, { isLogged: true })
  if (why === 'closed') return new Problem(503, `The query was stopped: ${message}.`, { headers: { 'Retry-After': '5' } })
  return new Problem(500, `The query was stopped: ${message}. Others go on.`)
}
