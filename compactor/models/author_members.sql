-- Every member that a fact or a book can join: the versions of each author, and one placeholder for each author
-- whom books name and who never came, with the name of the newest book version that gives one. 'unknown' stands for
-- the author of a book that names none.
WITH named AS (
  SELECT a.author_id, a.name,
    ROW_NUMBER() OVER (
      PARTITION BY a.author_id
      ORDER BY CASE WHEN a.name IS NULL THEN 1 ELSE 0 END, b.valid_from DESC, a.book_sk, a.position
    ) AS place
  FROM book_version_authors a
  JOIN book_versions b ON b.book_sk = a.book_sk
),
referenced AS (
  SELECT author_id, name FROM named WHERE place = 1
  UNION ALL
  SELECT DISTINCT 'unknown', CAST(NULL AS STRING) FROM book_members WHERE primary_author_id IS NULL
)
SELECT author_sk, author_id, from_ms, to_ms, CAST(NULL AS STRING) AS placeholder_name, FALSE AS is_placeholder
FROM author_versions
UNION ALL
SELECT md5(r.author_id), r.author_id, CAST(-9000000000000000 AS BIGINT), CAST(9000000000000000 AS BIGINT), r.name, TRUE
FROM referenced r
LEFT JOIN (SELECT DISTINCT author_id FROM author_versions) v ON v.author_id = r.author_id
WHERE v.author_id IS NULL
