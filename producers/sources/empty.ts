import type { Author, Book } from '../../schemas/records.ts'

/** A book of which only the id is known. */
export const emptyBook = (bookId: string): Book => ({
  book_id: bookId, work_id: null, title: null, title_without_series: null, original_title: null, isbn: null, isbn13: null, asin: null,
  language_code: null, authors: [], shelves: [], description: null, publisher: null, format: null, edition_information: null,
  num_pages: null, publication_year: null, publication_month: null, publication_day: null, original_publication_year: null,
  original_publication_month: null, original_publication_day: null, average_rating: null, ratings_count: null, text_reviews_count: null,
  books_count: null, work_ratings_count: null, work_text_reviews_count: null, work_reviews_count: null, ratings_1: null, ratings_2: null,
  ratings_3: null, ratings_4: null, ratings_5: null, url: null, image_url: null, small_image_url: null, updated_at: null, extra: {},
})

/** An author of whom only the id is known. */
export const emptyAuthor = (authorId: string): Author => ({
  author_id: authorId, name: null, gender: null, hometown: null, born_at: null, died_at: null, about: null, influences: null,
  works_count: null, fans_count: null, followers_count: null, average_rating: null, ratings_count: null, text_reviews_count: null,
  user_id: null, is_goodreads_author: null, url: null, image_url: null, small_image_url: null, updated_at: null, extra: {},
})
