-- Per member of dim_book: the names of its authors and its tags, in the source's order; empty lists where it has none.
WITH names AS (
  SELECT book_sk, list(COALESCE(name, author_id) ORDER BY position) AS author_names
  FROM book_version_authors
  GROUP BY book_sk
),
tags AS (
  SELECT book_sk, list(shelf ORDER BY position, shelf) AS tags
  FROM book_shelves
  GROUP BY book_sk
  UNION ALL
  SELECT book_sk, tags FROM kept_dim_book
)
SELECT m.book_sk,
  COALESCE(n.author_names, CAST([] AS VARCHAR[])) AS author_names,
  COALESCE(t.tags, CAST([] AS VARCHAR[])) AS tags
FROM book_members m
LEFT JOIN names n ON n.book_sk = m.book_sk
LEFT JOIN tags t ON t.book_sk = m.book_sk
