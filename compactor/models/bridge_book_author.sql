-- The authors of each book version with their role and place: position counts from 1 in the source's order.
-- author_sk is the author version that was valid when the book version began, as in dim_book. A member that names
-- no author has one row, position 0, of the author 'unknown', so that no join over the bridge loses a book.
WITH named AS (
  SELECT m.book_sk, m.book_id, COALESCE(a.author_id, 'unknown') AS author_id, COALESCE(a.position, 0) AS position,
    a.role, a.name,
    COALESCE(unix_millis(v.valid_from), CAST(0 AS BIGINT)) AS as_of_ms
  FROM book_members m
  LEFT JOIN book_versions v ON v.book_sk = m.book_sk
  LEFT JOIN book_version_authors a ON a.book_sk = m.book_sk
)
SELECT n.book_sk, n.book_id, a.author_sk, n.author_id, CAST(n.position AS BIGINT) AS position, n.role, n.name
FROM named n
JOIN author_members a ON a.author_id = n.author_id AND n.as_of_ms >= a.from_ms AND n.as_of_ms < a.to_ms
