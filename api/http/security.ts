import { randomUUID } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { Problem } from './problem.ts'

/** The refusal of a Host that is not on the list. */
export const misdirected = (): Problem =>
  new Problem(421, 'This server does not answer under that Host name. Use http://127.0.0.1 or http://localhost with its port.')

/** The caller's own request id where it is harmless, else a new one. */
export const requestIdOf = (request: IncomingMessage): string => {
  const given = request.headers['x-request-id']
  return typeof given === 'string' && /^[\w.:-]{1,64}$/.test(given) ? given : randomUUID()
}
