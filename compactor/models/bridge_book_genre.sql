-- The genres of each book version. weight is the share of its readers who put it there: the weights of a version
-- sum to 1, so that a sum over the bridge counts nothing twice. A member that no shelf places is 'other', weight 1.
WITH totals AS (
  SELECT book_sk, SUM(readers) AS readers, COUNT(*) AS genres FROM book_version_genres GROUP BY book_sk
)
SELECT m.book_sk, m.book_id,
  md5(COALESCE(g.genre, 'other')) AS genre_sk,
  COALESCE(g.genre, 'other') AS genre,
  COALESCE(g.readers, CAST(0 AS BIGINT)) AS readers,
  CASE WHEN g.genre IS NULL THEN CAST(1 AS DOUBLE)
    WHEN t.readers > 0 THEN CAST(g.readers AS DOUBLE) / CAST(t.readers AS DOUBLE)
    ELSE CAST(1 AS DOUBLE) / CAST(t.genres AS DOUBLE) END AS weight,
  COALESCE(g.genre, 'other') = m.primary_genre AS is_primary
FROM book_members m
LEFT JOIN book_version_genres g ON g.book_sk = m.book_sk
LEFT JOIN totals t ON t.book_sk = m.book_sk
