-- Versions of the books that a build derives from Silver (all of them, or those that changed): SCD2 intervals over everything that was accepted.
-- Of two versions with one _order only the greatest _hash counts, so no interval is empty. The first version
-- also serves earlier facts (from_ms), the last one has no end (to_ms). A deletion is a version of its own,
-- is_deleted, that keeps the content of the version before it, so that facts still find what they refer to.
WITH ranked AS (
  SELECT _key, _order, _hash, _deleted,
    ROW_NUMBER() OVER (PARTITION BY _key, _order ORDER BY _hash DESC, _topic_id DESC, _partition DESC, _offset DESC) AS place,
    _topic_id, _partition, _offset
  FROM silver_books_history
),
chained AS (
  SELECT _key, _order, _hash, _deleted,
    LEAD(_order) OVER (PARTITION BY _key ORDER BY _order) AS next_order,
    ROW_NUMBER() OVER (PARTITION BY _key ORDER BY _order) AS version_number,
    MAX(CASE WHEN _deleted THEN NULL ELSE _order END)
      OVER (PARTITION BY _key ORDER BY _order ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS content_order
  FROM ranked
  WHERE place = 1
),
content AS (
  SELECT h.*
  FROM silver_books_history h
  JOIN ranked r
    ON r._key = h._key AND r._order = h._order AND r._hash = h._hash AND r._topic_id = h._topic_id
    AND r._partition = h._partition AND r._offset = h._offset
  WHERE r.place = 1 AND NOT r._deleted
)
SELECT
  md5(concat_ws('|', v._key, CAST(v._order AS STRING), v._hash)) AS book_sk,
  v._key AS book_id,
  CASE WHEN v.version_number = 1 THEN CAST(-9000000000000000 AS BIGINT) ELSE v._order END AS from_ms,
  COALESCE(v.next_order, CAST(9000000000000000 AS BIGINT)) AS to_ms,
  timestamp_millis(v._order) AS valid_from,
  timestamp_millis(v.next_order) AS valid_to,
  v.next_order IS NULL AS is_current,
  v._deleted AS is_deleted,
  c.work_id, c.title, c.title_without_series, c.original_title, c.isbn, c.isbn13, c.language_code, c.publisher, c.format,
  c.num_pages, c.publication_year,
  -- Only a full and possible date; years outside 1 to 9999 have no text that both engines read.
  CASE WHEN c.publication_year BETWEEN 1 AND 9999 AND c.publication_month IS NOT NULL AND c.publication_day IS NOT NULL THEN TRY_CAST(concat_ws('-',
    lpad(CAST(c.publication_year AS STRING), 4, '0'),
    lpad(CAST(c.publication_month AS STRING), 2, '0'),
    lpad(CAST(c.publication_day AS STRING), 2, '0')) AS DATE) END AS publication_date,
  c.original_publication_year, c.authors, c.shelves, c.average_rating, c.ratings_count, c.text_reviews_count,
  c.work_ratings_count, c.ratings_1, c.ratings_2, c.ratings_3, c.ratings_4, c.ratings_5, c.url, c.image_url
FROM chained v
LEFT JOIN content c ON c._key = v._key AND c._order = v.content_order
