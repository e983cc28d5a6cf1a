type Column = Uint8Array | Uint32Array | Int32Array

/**
 * Reviews as columns, 18 bytes each, so that months of evolution fit in memory. A review's number (its ordinal)
 * grows with its date. The reviews of a user are a chain from the newest to the oldest.
 */
export interface ReviewColumns {
  readonly size: number
  user: (ordinal: number) => number
  book: (ordinal: number) => number
  /** 1 to 5; 0 where unrated. */
  rating: (ordinal: number) => number
  /** When it was added and last changed, epoch seconds. */
  addedS: (ordinal: number) => number
  updatedS: (ordinal: number) => number
  /** How often it was changed since. */
  edits: (ordinal: number) => number
  countOfUser: (user: number) => number
  /** Ordinals of a user's reviews, newest first: at most `count` after the first `skip`. */
  ofUser: (user: number, skip: number, count: number) => number[]
  hasReviewed: (user: number, book: number) => boolean
  add: (review: { user: number; book: number; rating: number; addedS: number; updatedS: number }) => number
  edit: (ordinal: number, change: { rating: number; updatedS: number }) => void
}

const MAX_EDITS = 255

const ensure = <C extends Column>(column: C, length: number): C => {
  if (length <= column.length) return column
  const grown = new (column.constructor as new (length: number) => C)(Math.max(length, column.length * 2))
  grown.set(column)
  return grown
}

/** Empty columns. */
export const createReviewColumns = (): ReviewColumns => {
  let size = 0
  let users = new Int32Array(65_536)
  let books = new Int32Array(65_536)
  let ratings = new Uint8Array(65_536)
  let edits = new Uint8Array(65_536)
  let added = new Uint32Array(65_536)
  let updated = new Uint32Array(65_536)
  /** Ordinal + 1 of the user's review before this one; 0 ends the chain. */
  let previous = new Int32Array(65_536)
  let newest = new Int32Array(4096)
  let counts = new Int32Array(4096)

  const add: ReviewColumns['add'] = ({ user, book, rating, addedS, updatedS }) => {
    const ordinal = size++
    users = ensure(users, size)
    books = ensure(books, size)
    ratings = ensure(ratings, size)
    edits = ensure(edits, size)
    added = ensure(added, size)
    updated = ensure(updated, size)
    previous = ensure(previous, size)
    newest = ensure(newest, user + 1)
    counts = ensure(counts, user + 1)
    users[ordinal] = user
    books[ordinal] = book
    ratings[ordinal] = rating
    added[ordinal] = addedS
    updated[ordinal] = updatedS
    previous[ordinal] = newest[user]!
    newest[user] = ordinal + 1
    counts[user]! += 1
    return ordinal
  }
  const ofUser: ReviewColumns['ofUser'] = (user, skip, count) => {
    const ordinals: number[] = []
    let position = 0
    for (let at = newest[user] ?? 0; at > 0 && ordinals.length < count; at = previous[at - 1]!)
      if (position++ >= skip) ordinals.push(at - 1)
    return ordinals
  }
  return {
    get size() {
      return size
    },
    user: (ordinal) => users[ordinal]!,
    book: (ordinal) => books[ordinal]!,
    rating: (ordinal) => ratings[ordinal]!,
    addedS: (ordinal) => added[ordinal]!,
    updatedS: (ordinal) => updated[ordinal]!,
    edits: (ordinal) => edits[ordinal]!,
    countOfUser: (user) => counts[user] ?? 0,
    ofUser,
    hasReviewed: (user, book) => {
      for (let at = newest[user] ?? 0; at > 0; at = previous[at - 1]!) if (books[at - 1] === book) return true
      return false
    },
    add,
    edit: (ordinal, { rating, updatedS }) => {
      ratings[ordinal] = rating
      updated[ordinal] = updatedS
      edits[ordinal] = Math.min(MAX_EDITS, edits[ordinal]! + 1)
    },
  }
}
