-- Each author whom a current book names, in whatever role: their books, and the ratings and reviews of those books.
-- average_rating = rating_sum / ratings; bayesian_rating = (25 * mean of all ratings + rating_sum) / (25 + ratings).
WITH credited AS (
  SELECT a.author_id, a.book_id, MIN(a.position) AS position
  FROM bridge_book_author a
  JOIN dim_book b ON b.book_sk = a.book_sk
  WHERE b.is_current AND NOT b.is_deleted AND NOT b.is_placeholder
  GROUP BY a.author_id, a.book_id
),
summed AS (
  SELECT c.author_id, COUNT(*) AS books, SUM(CASE WHEN c.position <= 1 THEN 1 ELSE 0 END) AS primary_books,
    SUM(COALESCE(r.ratings, 0)) AS ratings, SUM(COALESCE(r.rating_sum, 0)) AS rating_sum, SUM(COALESCE(r.reviews, 0)) AS reviews
  FROM credited c
  LEFT JOIN book_ratings r ON r.book_id = c.book_id
  GROUP BY c.author_id
)
SELECT s.author_id, d.name,
  CAST(s.books AS BIGINT) AS books, CAST(s.primary_books AS BIGINT) AS primary_books,
  CAST(s.ratings AS BIGINT) AS ratings, CAST(s.rating_sum AS BIGINT) AS rating_sum,
  CAST(s.rating_sum AS DOUBLE) / NULLIF(CAST(s.ratings AS DOUBLE), CAST(0 AS DOUBLE)) AS average_rating,
  (p.prior_weight * p.prior_mean + CAST(s.rating_sum AS DOUBLE)) / (p.prior_weight + CAST(s.ratings AS DOUBLE)) AS bayesian_rating,
  CAST(s.reviews AS BIGINT) AS reviews
FROM summed s
CROSS JOIN rating_prior p
JOIN dim_author d ON d.author_id = s.author_id AND d.is_current
