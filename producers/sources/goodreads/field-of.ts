import type { TopicName } from '../../../schemas/records.ts'
import { authorFieldOf } from './parse/author.ts'
import { bookFieldOf } from './parse/book.ts'
import { reviewFieldOf } from './parse/review.ts'

const byEntity: Partial<Record<TopicName, (name: string) => string | null>> = {
  books: bookFieldOf,
  authors: authorFieldOf,
  reviews: reviewFieldOf,
}

/** The field that an element of GoodReads is for, by its name in `extra`; null where no field takes it. */
export const goodreadsFieldOf = (entity: TopicName, name: string): string | null => byEntity[entity]?.(name) ?? null
