-- One row per version of every author: those derived from Silver, and those of authors that did not change as the
-- last Gold has them. Intervals are epoch ms, to_ms exclusive; the first version also serves earlier facts.
SELECT author_sk, author_id, from_ms, to_ms, valid_from, valid_to, is_current, is_deleted, name, gender, hometown,
  born_at, died_at, works_count, fans_count, average_rating, ratings_count, text_reviews_count, url, image_url
FROM new_author_versions
UNION ALL
SELECT author_sk, author_id,
  CASE WHEN ROW_NUMBER() OVER (PARTITION BY author_id ORDER BY valid_from) = 1
    THEN CAST(-9000000000000000 AS BIGINT) ELSE unix_millis(valid_from) END,
  COALESCE(unix_millis(valid_to), CAST(9000000000000000 AS BIGINT)),
  valid_from, valid_to, is_current, is_deleted, name, gender, hometown,
  born_at, died_at, works_count, fans_count, average_rating, ratings_count, text_reviews_count, url, image_url
FROM kept_dim_author
