-- Reviews to join: the current ones from Silver, and those that a build joins anew as the last Gold has them.
-- body_length is in characters of the cleaned text.
SELECT _key AS review_id, user_id, book_id, rating, votes, comments_count,
  CAST(COALESCE(length(body), 0) AS BIGINT) AS body_length,
  has_spoiler, date_added, date_updated, started_at, read_at, read_count, shelves, ingestion_timestamp
FROM silver_reviews
UNION ALL
SELECT review_id, user_id, book_id, rating, votes, comments_count, body_length,
  has_spoiler, date_added, date_updated, started_at, read_at, read_count, shelves, ingestion_timestamp
FROM redo_fact_review
