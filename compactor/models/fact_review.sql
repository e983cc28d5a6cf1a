-- The current state of each review, joined to the book and author versions of its time: when it was updated last,
-- else when it was added; without either the current versions, month 'unknown' and no date_key.
WITH timed AS (
  SELECT review_id, user_id, book_id, rating, body_length, votes, comments_count, has_spoiler, date_added, date_updated,
    started_at, read_at, read_count, shelves, ingestion_timestamp,
    COALESCE(date_updated, date_added) AS reviewed_at,
    COALESCE(unix_millis(date_updated), unix_millis(date_added), CAST(8999999999999999 AS BIGINT)) AS as_of_ms
  FROM review_rows
),
dated AS (
  SELECT t.*, extract(YEAR FROM t.reviewed_at) AS y, extract(MONTH FROM t.reviewed_at) AS m, extract(DAY FROM t.reviewed_at) AS d
  FROM timed t
)
SELECT
  f.review_id, f.user_id, f.book_id, b.book_sk, a.author_sk,
  md5(b.primary_genre) AS genre_sk,
  CAST(f.y * 10000 + f.m * 100 + f.d AS BIGINT) AS date_key,
  CAST(f.rating AS BIGINT) AS rating,
  f.votes, f.comments_count,
  f.body_length,
  f.body_length > 0 AS has_text,
  f.has_spoiler,
  f.date_added, f.date_updated, f.started_at, f.read_at, f.read_count, f.shelves, f.ingestion_timestamp,
  CASE WHEN f.reviewed_at IS NULL THEN 'unknown'
    ELSE concat_ws('-', lpad(CAST(f.y AS STRING), 4, '0'), lpad(CAST(f.m AS STRING), 2, '0')) END AS reviewed_month,
  b.primary_genre
FROM dated f
JOIN book_members b
  ON b.book_id = COALESCE(f.book_id, 'unknown') AND f.as_of_ms >= b.from_ms AND f.as_of_ms < b.to_ms
JOIN author_members a
  ON a.author_id = COALESCE(b.primary_author_id, 'unknown') AND f.as_of_ms >= a.from_ms AND f.as_of_ms < a.to_ms
