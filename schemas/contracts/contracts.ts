import type { EntityName } from '../records.ts'
import { authors } from './authors.ts'
import { books } from './books.ts'
import type { Contract } from './contract.ts'
import { ratings } from './ratings.ts'
import { reviews } from './reviews.ts'

/** What a record of each entity must be: the one place from which Silver, the documentation, the API and the metrics have it. */
export const contracts: Readonly<Record<EntityName, Contract>> = { books, authors, reviews, ratings }
