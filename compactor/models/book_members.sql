-- Every member that a fact can join: the versions of each book, and one placeholder for each book that facts
-- name and that never came ('unknown' stands for a fact that names none). Intervals are epoch ms, to_ms exclusive.
WITH referenced AS (
  SELECT COALESCE(book_id, 'unknown') AS book_id FROM rating_rows
  UNION
  SELECT COALESCE(book_id, 'unknown') AS book_id FROM review_rows
  UNION
  SELECT book_id FROM kept_agg_book_monthly
),
members AS (
  SELECT book_sk, book_id, from_ms, to_ms, language_code, FALSE AS is_placeholder FROM book_versions
  UNION ALL
  SELECT md5(r.book_id), r.book_id, CAST(-9000000000000000 AS BIGINT), CAST(9000000000000000 AS BIGINT), CAST(NULL AS STRING), TRUE
  FROM referenced r
  LEFT JOIN (SELECT DISTINCT book_id FROM book_versions) v ON v.book_id = r.book_id
  WHERE v.book_id IS NULL
)
SELECT m.book_sk, m.book_id, m.from_ms, m.to_ms, m.language_code, m.is_placeholder,
  a.author_id AS primary_author_id,
  COALESCE(g.genre, 'other') AS primary_genre
FROM members m
LEFT JOIN book_version_authors a ON a.book_sk = m.book_sk AND a.position = 1
LEFT JOIN book_genres g ON g.book_sk = m.book_sk
