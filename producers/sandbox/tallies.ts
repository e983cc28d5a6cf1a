import type { SandboxBook } from './books.ts'

/** Ratings 1 to 5 of a book or an author, and reviews with text. */
export interface Tally {
  ratings: number[]
  textReviews: number
}

/** Sums that the site shows, kept up with every review: those of a book, and of an author over all books. */
export interface Tallies {
  ofBook: (book: number) => Tally
  ofAuthor: (author: number) => Tally
  addBook: (book: SandboxBook) => void
  /** Counts `change` (1 or -1) ratings; unrated ones (0) are not counted. */
  count: (book: SandboxBook, rating: number, change: 1 | -1, hasText: boolean) => void
}

/** Reviews with text, a rating, by readers whom the sandbox does not show. */
const TEXT_SHARE = 0.06

export const ratingsOf = ({ ratings }: Tally): number => ratings.reduce((sum, count) => sum + count, 0)
export const ratingsSumOf = ({ ratings }: Tally): number => ratings.reduce((sum, count, i) => sum + count * (i + 1), 0)
/** Mean rating with two digits, as GoodReads prints it: `4.03`, but `5` and `0`. */
export const averageOf = (tally: Tally): string => {
  const count = ratingsOf(tally)
  return count === 0 ? '0' : String(Number((ratingsSumOf(tally) / count).toFixed(2)))
}

/** Tallies of nothing yet. */
export const createTallies = (): Tallies => {
  const books: Tally[] = []
  const authors: Tally[] = []
  const authorTally = (author: number) => (authors[author] ??= { ratings: [0, 0, 0, 0, 0], textReviews: 0 })
  return {
    ofBook: (book) => books[book]!,
    ofAuthor: authorTally,
    addBook: (book) => {
      const textReviews = Math.floor(TEXT_SHARE * book.otherRatings.reduce((sum, count) => sum + count, 0))
      books[book.index] = { ratings: [...book.otherRatings], textReviews }
      for (const { index } of book.authors) {
        const tally = authorTally(index)
        for (let i = 0; i < 5; i++) tally.ratings[i]! += book.otherRatings[i]!
        tally.textReviews += textReviews
      }
    },
    count: (book, rating, change, hasText) => {
      if (rating === 0) return
      for (const tally of [books[book.index]!, ...book.authors.map(({ index }) => authorTally(index))]) {
        tally.ratings[rating - 1]! += change
        if (hasText) tally.textReviews += change
      }
    },
  }
}
