-- Each book's ratings and reviews over all time: the months derived now, and those that nothing touched.
WITH monthly AS (
  SELECT book_id, ratings, rating_sum, ratings_1, ratings_2, ratings_3, ratings_4, ratings_5, reviews FROM agg_book_monthly
  UNION ALL
  SELECT book_id, ratings, rating_sum, ratings_1, ratings_2, ratings_3, ratings_4, ratings_5, reviews FROM kept_agg_book_monthly
)
SELECT book_id, SUM(ratings) AS ratings, SUM(rating_sum) AS rating_sum,
  SUM(ratings_1) AS ratings_1, SUM(ratings_2) AS ratings_2, SUM(ratings_3) AS ratings_3, SUM(ratings_4) AS ratings_4,
  SUM(ratings_5) AS ratings_5, SUM(reviews) AS reviews
FROM monthly
GROUP BY book_id
