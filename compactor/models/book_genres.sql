-- The genre that most readers put a book version in; ties go to the first slug. Versions with no mapped shelf have no row.
WITH ranked AS (
  SELECT book_sk, genre, ROW_NUMBER() OVER (PARTITION BY book_sk ORDER BY readers DESC, genre) AS place
  FROM book_version_genres
)
SELECT book_sk, genre FROM ranked WHERE place = 1
