-- The current rating of each reader and book, joined to the book and author versions of its time; a rating with
-- no time joins the current versions, its month is 'unknown' and it has no date_key.
WITH timed AS (
  SELECT rating_key, user_id, book_id, rating, rated_at, review_id, ingestion_timestamp,
    COALESCE(unix_millis(rated_at), CAST(8999999999999999 AS BIGINT)) AS as_of_ms,
    extract(YEAR FROM rated_at) AS y,
    extract(MONTH FROM rated_at) AS m,
    extract(DAY FROM rated_at) AS d
  FROM rating_rows
)
SELECT
  f.rating_key, f.user_id, f.book_id, b.book_sk, a.author_sk,
  md5(b.primary_genre) AS genre_sk,
  CAST(f.y * 10000 + f.m * 100 + f.d AS BIGINT) AS date_key,
  CAST(f.rating AS BIGINT) AS rating,
  f.rated_at, f.review_id, f.ingestion_timestamp,
  CASE WHEN f.rated_at IS NULL THEN 'unknown'
    ELSE concat_ws('-', lpad(CAST(f.y AS STRING), 4, '0'), lpad(CAST(f.m AS STRING), 2, '0')) END AS rated_month,
  b.primary_genre
FROM timed f
JOIN book_members b
  ON b.book_id = COALESCE(f.book_id, 'unknown') AND f.as_of_ms >= b.from_ms AND f.as_of_ms < b.to_ms
JOIN author_members a
  ON a.author_id = COALESCE(b.primary_author_id, 'unknown') AND f.as_of_ms >= a.from_ms AND f.as_of_ms < a.to_ms
