-- The genre that most readers put a book version in; ties go to the first slug. Versions with no mapped shelf have no row.
WITH summed AS (
  SELECT s.book_sk, g.genre, SUM(s.readers) AS readers
  FROM book_shelves s
  JOIN shelf_genres g ON g.shelf = s.shelf
  GROUP BY s.book_sk, g.genre
),
ranked AS (
  SELECT book_sk, genre, ROW_NUMBER() OVER (PARTITION BY book_sk ORDER BY readers DESC, genre) AS place
  FROM summed
)
SELECT book_sk, genre FROM ranked WHERE place = 1
