-- Each rated book's ratings by stars. average_rating = rating_sum / ratings; bayesian_rating =
-- (25 * mean of all ratings + rating_sum) / (25 + ratings), so that a few ratings do not make a best book.
SELECT r.book_id,
  CAST(r.ratings AS BIGINT) AS ratings, CAST(r.rating_sum AS BIGINT) AS rating_sum,
  CAST(r.ratings_1 AS BIGINT) AS ratings_1, CAST(r.ratings_2 AS BIGINT) AS ratings_2, CAST(r.ratings_3 AS BIGINT) AS ratings_3,
  CAST(r.ratings_4 AS BIGINT) AS ratings_4, CAST(r.ratings_5 AS BIGINT) AS ratings_5,
  CAST(r.rating_sum AS DOUBLE) / CAST(r.ratings AS DOUBLE) AS average_rating,
  (p.prior_weight * p.prior_mean + CAST(r.rating_sum AS DOUBLE)) / (p.prior_weight + CAST(r.ratings AS DOUBLE)) AS bayesian_rating
FROM book_ratings r CROSS JOIN rating_prior p
WHERE r.ratings > 0
