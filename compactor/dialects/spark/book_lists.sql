-- Per member of dim_book: the names of its authors and its tags, in the source's order; empty lists where it has none.
-- A list of structs keeps names that are null and is sorted by their fields in order.
WITH names AS (
  SELECT book_sk, transform(array_sort(collect_list(struct(position, COALESCE(name, author_id) AS name))), a -> a.name) AS author_names
  FROM book_version_authors
  GROUP BY book_sk
),
tags AS (
  SELECT book_sk, transform(array_sort(collect_list(struct(position, shelf))), s -> s.shelf) AS tags
  FROM book_shelves
  GROUP BY book_sk
  UNION ALL
  SELECT book_sk, tags FROM kept_dim_book
)
SELECT m.book_sk,
  COALESCE(n.author_names, CAST(array() AS ARRAY<STRING>)) AS author_names,
  COALESCE(t.tags, CAST(array() AS ARRAY<STRING>)) AS tags
FROM book_members m
LEFT JOIN names n ON n.book_sk = m.book_sk
LEFT JOIN tags t ON t.book_sk = m.book_sk
