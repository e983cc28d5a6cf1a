import type { LakeRoute, Route } from '../http/route.ts'
import { showAuthor } from './authors.ts'
import { listBooks, showBook } from './books.ts'
import { ratingsByGenre, topBooks } from './charts.ts'
import { listChecks, listProfiles, showCheck, showProfile } from './checks.ts'
import { listContracts, showContract } from './contracts.ts'
import { listDrift } from './drift.ts'
import { showGate } from './gate.ts'
import { listRuns, showLineage, showRun } from './runs.ts'

/** Every route that answers from Gold. */
export const routes: readonly Route[] = [listBooks, showBook, showAuthor, ratingsByGenre, topBooks]

/** Every route that answers from the lake itself. */
export const lakeRoutes: readonly LakeRoute[] = [
  ...[listRuns, showRun, showLineage, showGate],
  ...[listChecks, showCheck, listProfiles, showProfile],
  ...[listContracts, showContract, listDrift],
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
