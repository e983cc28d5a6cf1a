-- Ratings and reviews of each book in each month, in whole numbers that add up to any longer time. 'unknown' is the
-- month of facts without a time, and the book of facts that name none.
WITH ratings AS (
  SELECT rated_month AS month, COALESCE(book_id, 'unknown') AS book_id,
    COUNT(*) AS ratings, SUM(rating) AS rating_sum,
    SUM(CASE WHEN rating = 1 THEN 1 ELSE 0 END) AS ratings_1,
    SUM(CASE WHEN rating = 2 THEN 1 ELSE 0 END) AS ratings_2,
    SUM(CASE WHEN rating = 3 THEN 1 ELSE 0 END) AS ratings_3,
    SUM(CASE WHEN rating = 4 THEN 1 ELSE 0 END) AS ratings_4,
    SUM(CASE WHEN rating = 5 THEN 1 ELSE 0 END) AS ratings_5
  FROM fact_rating
  GROUP BY rated_month, COALESCE(book_id, 'unknown')
),
reviews AS (
  SELECT reviewed_month AS month, COALESCE(book_id, 'unknown') AS book_id,
    COUNT(*) AS reviews,
    SUM(CASE WHEN has_text THEN 1 ELSE 0 END) AS text_reviews,
    SUM(body_length) AS length_sum,
    SUM(COALESCE(votes, 0)) AS votes_sum
  FROM fact_review
  GROUP BY reviewed_month, COALESCE(book_id, 'unknown')
)
SELECT
  COALESCE(a.book_id, b.book_id) AS book_id,
  CAST(COALESCE(a.ratings, 0) AS BIGINT) AS ratings,
  CAST(COALESCE(a.rating_sum, 0) AS BIGINT) AS rating_sum,
  CAST(COALESCE(a.ratings_1, 0) AS BIGINT) AS ratings_1,
  CAST(COALESCE(a.ratings_2, 0) AS BIGINT) AS ratings_2,
  CAST(COALESCE(a.ratings_3, 0) AS BIGINT) AS ratings_3,
  CAST(COALESCE(a.ratings_4, 0) AS BIGINT) AS ratings_4,
  CAST(COALESCE(a.ratings_5, 0) AS BIGINT) AS ratings_5,
  CAST(COALESCE(b.reviews, 0) AS BIGINT) AS reviews,
  CAST(COALESCE(b.text_reviews, 0) AS BIGINT) AS text_reviews,
  CAST(COALESCE(b.length_sum, 0) AS BIGINT) AS length_sum,
  CAST(COALESCE(b.votes_sum, 0) AS BIGINT) AS votes_sum,
  COALESCE(a.month, b.month) AS month
FROM ratings a
FULL OUTER JOIN reviews b ON b.month = a.month AND b.book_id = a.book_id
