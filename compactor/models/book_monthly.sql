-- agg_book_monthly of every month: those derived now, and those that nothing touched.
SELECT book_id, ratings, rating_sum, ratings_1, ratings_2, ratings_3, ratings_4, ratings_5, reviews, text_reviews,
  length_sum, votes_sum, month
FROM agg_book_monthly
UNION ALL
SELECT book_id, ratings, rating_sum, ratings_1, ratings_2, ratings_3, ratings_4, ratings_5, reviews, text_reviews,
  length_sum, votes_sum, month
FROM kept_agg_book_monthly
