-- Shelves of each book version that say something about the book: names normalised, spellings of one name summed.
WITH named AS (
  SELECT book_sk, position, readers, replace(replace(small_letters(without_spaces_around(shelf)), ' ', '-'), '_', '-') AS shelf
  FROM new_book_shelves
)
SELECT n.book_sk, n.shelf, MIN(n.position) AS position, SUM(n.readers) AS readers
FROM named n
LEFT JOIN bookkeeping_shelves b ON b.shelf = n.shelf
WHERE b.shelf IS NULL
  AND n.shelf <> ''
  AND n.shelf NOT LIKE 'to-read-%'
  AND n.shelf NOT LIKE 'read-in-%'
  AND n.shelf NOT LIKE 'read-20%'
  AND n.shelf NOT LIKE 'books-read-%'
  AND n.shelf NOT LIKE '20__-%'
GROUP BY n.book_sk, n.shelf
