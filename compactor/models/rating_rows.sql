-- Ratings to join: the current ones from Silver, and those that a build joins anew as the last Gold has them.
SELECT _key AS rating_key, user_id, book_id, rating, rated_at, review_id, ingestion_timestamp
FROM silver_ratings
UNION ALL
SELECT rating_key, user_id, book_id, rating, rated_at, review_id, ingestion_timestamp
FROM redo_fact_rating
