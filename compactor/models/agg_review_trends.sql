-- Reviews of each day from the first review to the last, in each genre and in 'all', with the sums of the 7 and of the
-- 28 days that end with it. average_length = length_sum / text_reviews, in characters; null where there is none.
WITH span AS (SELECT MIN(date) AS first_day, MAX(date) AS last_day FROM fact_days WHERE reviews > 0),
daily AS (
  SELECT date, genre, SUM(reviews) AS reviews, SUM(text_reviews) AS text_reviews, SUM(length_sum) AS length_sum, SUM(votes_sum) AS votes_sum
  FROM fact_days WHERE reviews > 0 GROUP BY date, genre
  UNION ALL
  SELECT date, 'all', SUM(reviews), SUM(text_reviews), SUM(length_sum), SUM(votes_sum)
  FROM fact_days WHERE reviews > 0 GROUP BY date
),
calendar AS (
  SELECT d.date, d.date_key, d.year, g.genre
  FROM dim_date d CROSS JOIN span s CROSS JOIN (SELECT DISTINCT genre FROM daily) g
  WHERE d.date >= s.first_day AND d.date <= s.last_day
),
dense AS (
  SELECT c.date, c.date_key, c.year, c.genre,
    COALESCE(d.reviews, 0) AS reviews, COALESCE(d.text_reviews, 0) AS text_reviews,
    COALESCE(d.length_sum, 0) AS length_sum, COALESCE(d.votes_sum, 0) AS votes_sum
  FROM calendar c LEFT JOIN daily d ON d.date = c.date AND d.genre = c.genre
),
summed AS (
  SELECT date, date_key, year, genre, reviews, text_reviews, length_sum, votes_sum,
    SUM(reviews) OVER week AS reviews_7d, SUM(text_reviews) OVER week AS text_reviews_7d,
    SUM(length_sum) OVER week AS length_sum_7d, SUM(votes_sum) OVER week AS votes_7d,
    SUM(reviews) OVER month AS reviews_28d, SUM(text_reviews) OVER month AS text_reviews_28d,
    SUM(length_sum) OVER month AS length_sum_28d, SUM(votes_sum) OVER month AS votes_28d
  FROM dense
  WINDOW week AS (PARTITION BY genre ORDER BY date ROWS BETWEEN 6 PRECEDING AND CURRENT ROW),
    month AS (PARTITION BY genre ORDER BY date ROWS BETWEEN 27 PRECEDING AND CURRENT ROW)
)
SELECT date_key, date, genre,
  CAST(reviews AS BIGINT) AS reviews, CAST(text_reviews AS BIGINT) AS text_reviews, CAST(votes_sum AS BIGINT) AS votes,
  CAST(length_sum AS DOUBLE) / NULLIF(CAST(text_reviews AS DOUBLE), CAST(0 AS DOUBLE)) AS average_length,
  CAST(reviews_7d AS BIGINT) AS reviews_7d, CAST(text_reviews_7d AS BIGINT) AS text_reviews_7d, CAST(votes_7d AS BIGINT) AS votes_7d,
  CAST(length_sum_7d AS DOUBLE) / NULLIF(CAST(text_reviews_7d AS DOUBLE), CAST(0 AS DOUBLE)) AS average_length_7d,
  CAST(reviews_28d AS BIGINT) AS reviews_28d, CAST(text_reviews_28d AS BIGINT) AS text_reviews_28d, CAST(votes_28d AS BIGINT) AS votes_28d,
  CAST(length_sum_28d AS DOUBLE) / NULLIF(CAST(text_reviews_28d AS DOUBLE), CAST(0 AS DOUBLE)) AS average_length_28d,
  lpad(CAST(year AS STRING), 4, '0') AS year
FROM summed
