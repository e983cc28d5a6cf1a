-- Books, SCD2. primary_author_sk is the author version that was valid when the book version began. A placeholder
-- has no interval: it serves every time until the book's first record comes.
SELECT
  m.book_sk, m.book_id, v.work_id, v.title, v.title_without_series, v.original_title, v.isbn, v.isbn13, v.language_code,
  v.publisher, v.format, v.num_pages, v.publication_year, v.publication_date, v.original_publication_year,
  a.author_sk AS primary_author_sk,
  m.primary_author_id,
  l.author_names,
  m.primary_genre,
  l.tags,
  v.average_rating, v.ratings_count, v.text_reviews_count, v.work_ratings_count,
  v.ratings_1, v.ratings_2, v.ratings_3, v.ratings_4, v.ratings_5, v.url, v.image_url,
  v.valid_from, v.valid_to,
  COALESCE(v.is_current, TRUE) AS is_current,
  COALESCE(v.is_deleted, FALSE) AS is_deleted,
  m.is_placeholder
FROM book_members m
LEFT JOIN book_versions v ON v.book_sk = m.book_sk
LEFT JOIN book_lists l ON l.book_sk = m.book_sk
LEFT JOIN author_members a
  ON a.author_id = COALESCE(m.primary_author_id, 'unknown')
  AND COALESCE(unix_millis(v.valid_from), CAST(0 AS BIGINT)) >= a.from_ms
  AND COALESCE(unix_millis(v.valid_from), CAST(0 AS BIGINT)) < a.to_ms
