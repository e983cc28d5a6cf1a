import { z } from 'zod'

/** What columns of answers are, as the API writes them. Every one may be null. */
export const text = z.string().nullable()
export const count = z.int().nullable()
export const figure = z.number().nullable()
export const flag = z.boolean().nullable()
/** YYYY-MM-DD. */
export const day = z.string().nullable().describe('YYYY-MM-DD')
/** ISO 8601, UTC. */
export const time = z.string().nullable().describe('ISO 8601, UTC')
export const texts = z.array(z.string()).nullable()

/** Ratings by their stars. */
export const histogram = z.object({ 1: count, 2: count, 3: count, 4: count, 5: count })
