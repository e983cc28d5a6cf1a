import { ReadflowError } from '../../runtime/errors.ts'
import type { Rating } from '../../schemas/records.ts'
import type { Position, Source, SourceBatch } from './source.ts'

const BATCH_RECORDS = 10_000
const BOOKS = 10_000
const FIRST_RATED_MS = Date.UTC(2020, 0, 1)
const SPAN_MS = 5 * 365 * 86_400_000

export interface SyntheticOptions {
  ratings: number
  seed: number
}

/** Reads `ratings=5000000,seed=1`. Throws ReadflowError `config`. */
export const parseSynthetic = (text: string): SyntheticOptions => {
  const options: Record<string, number> = { ratings: 100_000, seed: 1 }
  for (const part of text.split(',').filter(Boolean)) {
    const [name = '', value = ''] = part.split('=')
    if (!(name in options) || !/^\d+$/.test(value)) {
      throw new ReadflowError('config', `--source synthetic: '${part}' is not understood.`, {
        hint: 'Write it as synthetic:ratings=5000000,seed=1.',
      })
    }
    options[name] = Number(value)
  }
  return options as unknown as SyntheticOptions
}

/** A 32-bit mix of two numbers (murmur3's finaliser): the same row of the same seed is the same rating. */
const mix = (seed: number, index: number): number => {
  let h = (Math.imul(index, 0x9e3779b1) ^ Math.imul(seed + 1, 0x85ebca6b)) >>> 0
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return (h ^ (h >>> 16)) >>> 0
}

const rating = (seed: number, index: number): Rating => {
  const dice = mix(seed, index)
  return {
    user_id: `synthetic-${index}`,
    book_id: String(1 + (dice % BOOKS)),
    rating: 1 + (mix(seed + 1, index) % 5),
    rated_at: FIRST_RATED_MS + Math.floor((mix(seed + 2, index) / 2 ** 32) * SPAN_MS),
    review_id: null,
    extra: {},
  }
}

/** Ratings made from a seed, for benches and tests of scale. */
export const openSynthetic = (options: SyntheticOptions): Source => ({
  name: 'synthetic',
  id: `synthetic:ratings=${options.ratings},seed=${options.seed}`,
  isGenerated: true,
  pollIntervalMs: null,
  poll: (position) => generate(options, position),
  close: async () => undefined,
})

async function* generate({ ratings, seed }: SyntheticOptions, position: Position | null): AsyncGenerator<SourceBatch> {
  const { next } = (position ?? {}) as { next?: number }
  const start = typeof next === 'number' && next < ratings ? next : 0
  for (let from = start; from < ratings; from += BATCH_RECORDS) {
    const until = Math.min(from + BATCH_RECORDS, ratings)
    const records = Array.from({ length: until - from }, (_, index) => ({
      entity: 'ratings' as const,
      value: rating(seed, from + index),
      requestId: null,
    }))
    yield { records, position: { next: until } }
  }
}
