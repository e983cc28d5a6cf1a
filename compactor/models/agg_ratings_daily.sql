-- Ratings by day, genre and language of the book version that each one joins. date is null where the source gives
-- no time. average_rating = rating_sum / ratings.
WITH counted AS (
  SELECT f.rated_month AS month, f.date_key, CAST(f.rated_at AS DATE) AS date, f.primary_genre AS genre, b.language_code,
    COUNT(*) AS ratings, SUM(f.rating) AS rating_sum,
    SUM(CASE WHEN f.rating = 1 THEN 1 ELSE 0 END) AS ratings_1,
    SUM(CASE WHEN f.rating = 2 THEN 1 ELSE 0 END) AS ratings_2,
    SUM(CASE WHEN f.rating = 3 THEN 1 ELSE 0 END) AS ratings_3,
    SUM(CASE WHEN f.rating = 4 THEN 1 ELSE 0 END) AS ratings_4,
    SUM(CASE WHEN f.rating = 5 THEN 1 ELSE 0 END) AS ratings_5
  FROM fact_rating f
  JOIN book_members b ON b.book_sk = f.book_sk
  GROUP BY f.rated_month, f.date_key, CAST(f.rated_at AS DATE), f.primary_genre, b.language_code
)
SELECT date_key, date, genre, language_code,
  CAST(ratings AS BIGINT) AS ratings, CAST(rating_sum AS BIGINT) AS rating_sum,
  CAST(ratings_1 AS BIGINT) AS ratings_1, CAST(ratings_2 AS BIGINT) AS ratings_2, CAST(ratings_3 AS BIGINT) AS ratings_3,
  CAST(ratings_4 AS BIGINT) AS ratings_4, CAST(ratings_5 AS BIGINT) AS ratings_5,
  CAST(rating_sum AS DOUBLE) / CAST(ratings AS DOUBLE) AS average_rating,
  month
FROM counted
