/** The tables of Gold with what a row of each is, in the order in which they are told (docs/gold.md). */
export const goldTables = {
  dim_book: 'a version of a book',
  dim_author: 'a version of an author',
  dim_date: 'a day',
  dim_genre: 'a genre',
  bridge_book_author: 'an author of a book version',
  bridge_book_genre: 'a genre of a book version',
  fact_rating: 'the current rating of a reader and book',
  fact_review: 'the current state of a review',
  agg_ratings_daily: 'ratings of a day, genre and language',
  agg_reviews_daily: 'reviews of a day, genre and language',
  agg_review_trends: 'reviews of a day and genre, with moving sums',
  agg_rating_distribution: 'ratings of a book by stars',
  agg_author_performance: 'how the books of an author are rated',
  agg_book_monthly: 'ratings and reviews of a book in a month',
} as const
