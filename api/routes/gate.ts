import { z } from 'zod'
import { wholeOr } from '../http/parameters.ts'
import { defineLakeRoute } from '../http/route.ts'
import * as answers from './lake-answers.ts'

export const showGate = defineLakeRoute({
  path: '/v1/gate',
  summary:
    'What holds Gold at its last good version, which failed checks a person waived, and the holds and releases so far, newest first.',
  query: z.strictObject({ limit: wholeOr(1, 200, 20).describe('entries of the history') }),
  answer: answers.gate,
  handle: ({ query, parts }) => parts.gate.read(query.limit),
})
