-- Reviews by day, genre and language of the book version that each one joins: the day of their last update, else the
-- day on which they were added; null where the source gives neither. Whole numbers that add up to any longer time.
WITH counted AS (
  SELECT f.reviewed_month AS month, f.date_key, CAST(COALESCE(f.date_updated, f.date_added) AS DATE) AS date,
    f.primary_genre AS genre, b.language_code,
    COUNT(*) AS reviews,
    SUM(CASE WHEN f.has_text THEN 1 ELSE 0 END) AS text_reviews,
    SUM(CASE WHEN f.has_spoiler THEN 1 ELSE 0 END) AS spoiler_reviews,
    SUM(f.body_length) AS length_sum,
    SUM(COALESCE(f.votes, 0)) AS votes_sum
  FROM fact_review f
  JOIN book_members b ON b.book_sk = f.book_sk
  GROUP BY f.reviewed_month, f.date_key, CAST(COALESCE(f.date_updated, f.date_added) AS DATE), f.primary_genre, b.language_code
)
SELECT date_key, date, genre, language_code,
  CAST(reviews AS BIGINT) AS reviews, CAST(text_reviews AS BIGINT) AS text_reviews,
  CAST(spoiler_reviews AS BIGINT) AS spoiler_reviews, CAST(length_sum AS BIGINT) AS length_sum,
  CAST(votes_sum AS BIGINT) AS votes_sum,
  month
FROM counted
