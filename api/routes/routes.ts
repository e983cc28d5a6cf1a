import type { LakeRoute, Route } from '../http/route.ts'
import { shelfCharts } from '../shelves/chart-routes.ts'
import { listShelfBooks, showShelfStats } from '../shelves/stats-route.ts'
import { listAuthors, showAuthor } from './authors.ts'
import { showBook, showBookHistory } from './book.ts'
import { showBookRatings } from './book-ratings.ts'
import { listBooks } from './books.ts'
import { ratingDistribution, ratingsByGenre, ratingsOverTime, reviewTrends } from './charts.ts'
import { listChecks, listProfiles, showCheck, showProfile } from './checks.ts'
import { listGenres, listLanguages } from './choices.ts'
import { listContracts, showContract } from './contracts.ts'
import { listDrift } from './drift.ts'
import { listRatings, listReviews } from './facts.ts'
import { showGate } from './gate.ts'
import { authorPerformance, topBooks } from './rankings.ts'
import { listRuns, showLineage, showRun } from './runs.ts'
import { listVersions } from './versions.ts'

/** Every route that answers from Gold. */
export const routes: readonly Route[] = [
  ...[listBooks, showBook, showBookHistory, showBookRatings, listAuthors, showAuthor],
  ...[listRatings, listReviews, listGenres, listLanguages],
  ...[ratingDistribution, ratingsOverTime, ratingsByGenre, reviewTrends, authorPerformance, topBooks],
  ...[listShelfBooks, showShelfStats, ...shelfCharts],
]

/** Every route that answers from the lake itself. */
export const lakeRoutes: readonly LakeRoute[] = [
  listVersions,
  ...[listRuns, showRun, showLineage, showGate],
  ...[listChecks, showCheck, listProfiles, showProfile],
  ...[listContracts, showContract, listDrift],
]

/** What the page asks first, beyond what each takes by default: made ahead of each new version. */
export const warmed: readonly { path: string; query?: Record<string, string> }[] = [
  ...['/v1/genres', '/v1/languages', '/v1/books', '/v1/charts/rating-distribution', '/v1/charts/ratings-by-genre'].map((path) => ({
    path,
  })),
  ...['/v1/charts/ratings-over-time', '/v1/charts/review-trends', '/v1/charts/top-books'].map((path) => ({ path })),
  { path: '/v1/charts/ratings-over-time', query: { by: 'language' } },
  { path: '/v1/charts/author-performance', query: { limit: '12', min_ratings: '5' } },
]

/** What `/v1` says: each route with its parameters. */
export const routeIndex = () =>
  [...routes, ...lakeRoutes].map(({ path, summary, params, query }) => ({
    path,
    summary,
    parameters: Object.entries({ ...params.shape, ...query.shape }).map(([name, schema]) => ({
      name,
      description: schema.description ?? '',
    })),
  }))
