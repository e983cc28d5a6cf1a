-- Days on which facts lie, with what the trends need of the reviews: days derived now, and those that nothing touched.
SELECT date, genre, CAST(0 AS BIGINT) AS reviews, CAST(0 AS BIGINT) AS text_reviews, CAST(0 AS BIGINT) AS length_sum,
  CAST(0 AS BIGINT) AS votes_sum
FROM agg_ratings_daily WHERE date IS NOT NULL
UNION ALL
SELECT date, genre, CAST(0 AS BIGINT), CAST(0 AS BIGINT), CAST(0 AS BIGINT), CAST(0 AS BIGINT)
FROM kept_agg_ratings_daily WHERE date IS NOT NULL
UNION ALL
SELECT date, genre, reviews, text_reviews, length_sum, votes_sum FROM agg_reviews_daily WHERE date IS NOT NULL
UNION ALL
SELECT date, genre, reviews, text_reviews, length_sum, votes_sum FROM kept_agg_reviews_daily WHERE date IS NOT NULL
