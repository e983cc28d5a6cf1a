/**
 * The shapes of `schemas/avro/*.avsc` as TypeScript sees them; a test holds the two together.
 * Times are epoch milliseconds (UTC), dates are days since 1970-01-01, ids are strings.
 */
export interface BookAuthor {
  author_id: string
  name: string | null
  role: string | null
}
export interface BookShelf {
  name: string
  count: number
}

export interface Book {
  book_id: string
  work_id: string | null
  title: string | null
  title_without_series: string | null
  original_title: string | null
  isbn: string | null
  isbn13: string | null
  asin: string | null
  language_code: string | null
  authors: BookAuthor[]
  shelves: BookShelf[]
  description: string | null
  publisher: string | null
  format: string | null
  edition_information: string | null
  num_pages: number | null
  publication_year: number | null
  publication_month: number | null
  publication_day: number | null
  original_publication_year: number | null
  original_publication_month: number | null
  original_publication_day: number | null
  average_rating: number | null
  ratings_count: number | null
  text_reviews_count: number | null
  books_count: number | null
  work_ratings_count: number | null
  work_text_reviews_count: number | null
  work_reviews_count: number | null
  ratings_1: number | null
  ratings_2: number | null
  ratings_3: number | null
  ratings_4: number | null
  ratings_5: number | null
  url: string | null
  image_url: string | null
  small_image_url: string | null
  updated_at: number | null
  extra: Record<string, string>
}

export interface Author {
  author_id: string
  name: string | null
  gender: string | null
  hometown: string | null
  born_at: number | null
  died_at: number | null
  about: string | null
  influences: string | null
  works_count: number | null
  fans_count: number | null
  followers_count: number | null
  average_rating: number | null
  ratings_count: number | null
  text_reviews_count: number | null
  user_id: string | null
  is_goodreads_author: boolean | null
  url: string | null
  image_url: string | null
  small_image_url: string | null
  updated_at: number | null
  extra: Record<string, string>
}

export interface Review {
  review_id: string
  user_id: string | null
  user_name: string | null
  book_id: string | null
  rating: number | null
  body: string | null
  votes: number | null
  comments_count: number | null
  has_spoiler: boolean | null
  spoilers_state: string | null
  shelves: string[]
  recommended_for: string | null
  recommended_by: string | null
  started_at: number | null
  read_at: number | null
  date_added: number | null
  date_updated: number | null
  read_count: number | null
  owned: number | null
  url: string | null
  extra: Record<string, string>
}

export interface Rating {
  user_id: string
  book_id: string
  rating: number
  rated_at: number | null
  review_id: string | null
  extra: Record<string, string>
}

export interface RawResponse {
  request_id: string
  poll_id: string
  source: string
  method: string
  url: string
  status: number
  headers: Record<string, string>
  content_type: string | null
  body: Uint8Array
  requested_at: number
  duration_ms: number
}

export interface Records {
  books: Book
  authors: Author
  reviews: Review
  ratings: Rating
  raw: RawResponse
}
export type EntityName = 'books' | 'authors' | 'reviews' | 'ratings'
export type TopicName = EntityName | 'raw'
