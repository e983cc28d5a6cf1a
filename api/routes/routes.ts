import type { Route } from '../route.ts'
import { showAuthor } from './authors.ts'
import { listBooks, showBook } from './books.ts'
import { ratingsByGenre, topBooks } from './charts.ts'

/** Every route that answers from Gold. */
export const routes: readonly Route[] = [listBooks, showBook, showAuthor, ratingsByGenre, topBooks]

/** What `/v1` says: each route with its parameters. */
export const routeIndex = () =>
  routes.map(({ path, summary, params, query }) => ({
    path,
    summary,
    parameters: Object.entries({ ...params.shape, ...query.shape }).map(([name, schema]) => ({
      name,
      description: schema.description ?? '',
    })),
  }))
