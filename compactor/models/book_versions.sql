-- One row per version of every book: those derived from Silver, and those of books that did not change as the last
-- Gold has them. Intervals are epoch ms, to_ms exclusive; the first version of a book also serves earlier facts.
SELECT book_sk, book_id, from_ms, to_ms, valid_from, valid_to, is_current, is_deleted, work_id, title,
  title_without_series, original_title, isbn, isbn13, language_code, publisher, format, num_pages, publication_year,
  publication_date, original_publication_year, average_rating, ratings_count, text_reviews_count, work_ratings_count,
  ratings_1, ratings_2, ratings_3, ratings_4, ratings_5, url, image_url
FROM new_book_versions
UNION ALL
SELECT book_sk, book_id,
  CASE WHEN ROW_NUMBER() OVER (PARTITION BY book_id ORDER BY valid_from) = 1
    THEN CAST(-9000000000000000 AS BIGINT) ELSE unix_millis(valid_from) END,
  COALESCE(unix_millis(valid_to), CAST(9000000000000000 AS BIGINT)),
  valid_from, valid_to, is_current, is_deleted, work_id, title,
  title_without_series, original_title, isbn, isbn13, language_code, publisher, format, num_pages, publication_year,
  publication_date, original_publication_year, average_rating, ratings_count, text_reviews_count, work_ratings_count,
  ratings_1, ratings_2, ratings_3, ratings_4, ratings_5, url, image_url
FROM kept_dim_book
