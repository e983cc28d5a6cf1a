import type { RequestHandler } from 'express'
import { ipKeyGenerator, rateLimit } from 'express-rate-limit'
import { Problem } from './problem.ts'

const WINDOW_MS = 60_000

/** Lets a caller make so many requests a minute, and says how many are left in the headers RateLimit and RateLimit-Policy. 0 is no limit. */
export const limitRate = (perMinute: number): RequestHandler =>
  perMinute === 0
    ? (_request, _response, next) => next()
    : rateLimit({
        windowMs: WINDOW_MS,
        limit: perMinute,
        standardHeaders: 'draft-8',
        legacyHeaders: false,
        keyGenerator: (request) => ipKeyGenerator(request.ip ?? ''),
        handler: (_request, response, next) => {
          // The library sets Retry-After before it comes here.
          const seconds = response.getHeader('Retry-After') ?? WINDOW_MS / 1000
          next(new Problem(429, `That were more than ${perMinute} requests in a minute. Try again in ${seconds} s.`))
        },
      })
