import { z } from 'zod'
import { bucketNames, buckets, chartAnswer, chartRows, chartWhere } from '../gold/chart.ts'
import { count, figure, text } from '../gold/columns.ts'
import { factFilters, oneOf, requireRange } from '../http/parameters.ts'
import { defineRoute } from '../http/route.ts'

const daily = { at: 'date', genre: 'genre', language: 'language_code' }

export const ratingsByGenre = defineRoute({
  path: '/v1/charts/ratings-by-genre',
  summary: 'Ratings per month and genre, with their average. Ratings without a time are left out and counted in without_time.',
  query: z.strictObject({ ...factFilters, bucket: oneOf(['month']).default('month').describe('length of a point in time') }),
  answer: z.object({
    ...chartAnswer,
    bucket: z.string(),
    points: z.array(z.object({ month: text, genre: text, name: text, ratings: count, average: figure })),
    without_time: count,
  }),
  rows: 'points',
  handle: async ({ query, gold }) => {
    requireRange(query)
    const [{ rows, sql }, without] = await Promise.all([
      chartRows(
        gold,
        `SELECT r.month, r.genre, coalesce(g.name, r.genre) AS name, r.ratings, r.average
FROM (
  SELECT month, genre, CAST(sum(ratings) AS BIGINT) AS ratings, round(sum(rating_sum) / sum(ratings), 3) AS average
  FROM gold_agg_ratings_daily
  ${chartWhere(query, daily, ['date IS NOT NULL'])}
  GROUP BY month, genre
) r LEFT JOIN gold_dim_genre g ON g.genre = r.genre
ORDER BY r.month, r.genre`,
      ),
      withoutTime(query, gold),
    ])
    return { bucket: query.bucket, points: rows, without_time: without, sql }
  },
})

/** Ratings that have no day, so that no range of days narrows them: counted once a version for each genre and language. */
const withoutTime = (
  { genre, language_code }: { genre?: string | undefined; language_code?: string | undefined },
  gold: Parameters<typeof chartRows>[0],
): Promise<number> =>
  gold.answers.answer(`without a time ${JSON.stringify([genre, language_code])}`, async () => {
    const where = chartWhere({ genre, language_code }, daily, ['date IS NULL'])
    const sql = `SELECT CAST(sum(ratings) AS BIGINT) AS ratings FROM gold_agg_ratings_daily ${where}`
    const { rows } = await chartRows<{ ratings: number | null }>(gold, sql)
    return rows[0]?.ratings ?? 0
  })

export const ratingDistribution = defineRoute({
  path: '/v1/charts/rating-distribution',
  summary: 'How many ratings there are of each number of stars, and their average.',
  query: z.strictObject(factFilters),
  answer: z.object({
    ...chartAnswer,
    stars: z.array(z.object({ stars: z.int(), ratings: z.int() })),
    ratings: z.int(),
    average: figure,
  }),
  rows: 'stars',
  handle: async ({ query, gold }) => {
    requireRange(query)
    const { rows, sql } = await chartRows<{ stars: number; ratings: number | null }>(
      gold,
      `SELECT unnest([1, 2, 3, 4, 5]) AS stars, CAST(unnest([sum(ratings_1), sum(ratings_2), sum(ratings_3), sum(ratings_4), sum(ratings_5)]) AS BIGINT) AS ratings
FROM gold_agg_ratings_daily ${chartWhere(query, daily)}`,
    )
    const found = new Map(rows.map(({ stars, ratings }) => [stars, ratings]))
    const stars = [1, 2, 3, 4, 5].map((star) => ({ stars: star, ratings: found.get(star) ?? 0 }))
    const ratings = stars.reduce((sum, each) => sum + each.ratings, 0)
    const sum = stars.reduce((total, each) => total + each.stars * each.ratings, 0)
    return { stars, ratings, average: ratings === 0 ? null : Math.round((sum / ratings) * 1000) / 1000, sql }
  },
})

/** The point in time of a row of a daily table, which has its month ready. */
const periodOf = (bucket: keyof typeof buckets) => (bucket === 'month' ? 'month' : buckets[bucket]('date'))

/** What lines are of. Names are joined to what is grouped, and not to each row before. */
const groupings = {
  all: { key: "'all'", name: "'All'", join: '' },
  genre: { key: 'genre', name: 'coalesce(g.name, r.key)', join: 'LEFT JOIN gold_dim_genre g ON g.genre = r.key' },
  language: { key: "coalesce(language_code, 'unknown')", name: 'r.key', join: '' },
} as const

export const ratingsOverTime = defineRoute({
  path: '/v1/charts/ratings-over-time',
  summary: 'Ratings over time, by genre or language of the book. Ratings without a time are left out and counted in without_time.',
  query: z.strictObject({
    ...factFilters,
    by: oneOf(['genre', 'language', 'all']).default('genre').describe('what a line is of'),
    bucket: oneOf(bucketNames).default('month').describe('length of a point in time; a week begins on Monday'),
  }),
  answer: z.object({
    ...chartAnswer,
    by: z.string(),
    bucket: z.string(),
    points: z.array(z.object({ period: text, key: text, name: text, ratings: count, average: figure })),
    without_time: count,
  }),
  rows: 'points',
  handle: async ({ query, gold }) => {
    requireRange(query)
    const { key, name, join } = groupings[query.by]
    const [{ rows, sql }, without] = await Promise.all([
      chartRows(
        gold,
        `SELECT r.period, r.key, ${name} AS name, r.ratings, r.average
FROM (
  SELECT ${periodOf(query.bucket)} AS period, ${key} AS key, CAST(sum(ratings) AS BIGINT) AS ratings,
    round(sum(rating_sum) / sum(ratings), 3) AS average
  FROM gold_agg_ratings_daily
  ${chartWhere(query, daily, ['date IS NOT NULL'])}
  GROUP BY ALL
) r ${join}
ORDER BY r.period, r.key`,
      ),
      withoutTime(query, gold),
    ])
    return { by: query.by, bucket: query.bucket, points: rows, without_time: without, sql }
  },
})

export const reviewTrends = defineRoute({
  path: '/v1/charts/review-trends',
  summary: 'Reviews over time: how many, with text, their votes and how long they are. Those without a time are left out.',
  query: z.strictObject({ ...factFilters, bucket: oneOf(bucketNames).default('month').describe('length of a point in time') }),
  answer: z.object({
    ...chartAnswer,
    bucket: z.string(),
    points: z.array(z.object({ period: text, reviews: count, text_reviews: count, votes: count, average_length: figure })),
  }),
  rows: 'points',
  handle: async ({ query, gold }) => {
    requireRange(query)
    const period = periodOf(query.bucket)
    const { rows, sql } = await chartRows(
      gold,
      `SELECT ${period} AS period, CAST(sum(reviews) AS BIGINT) AS reviews, CAST(sum(text_reviews) AS BIGINT) AS text_reviews,
  CAST(sum(votes_sum) AS BIGINT) AS votes, round(sum(length_sum) / nullif(sum(text_reviews), 0), 1) AS average_length
FROM gold_agg_reviews_daily
${chartWhere(query, daily, ['date IS NOT NULL'])}
GROUP BY ${period} ORDER BY period`,
    )
    return { bucket: query.bucket, points: rows, sql }
  },
})
