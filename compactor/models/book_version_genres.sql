-- How many readers put a book version in which genre. Versions that no mapped shelf places have no row.
SELECT s.book_sk, g.genre, CAST(SUM(GREATEST(COALESCE(s.readers, 0), 0)) AS BIGINT) AS readers
FROM book_shelves s
JOIN shelf_genres g ON g.shelf = s.shelf
GROUP BY s.book_sk, g.genre
UNION ALL
SELECT book_sk, genre, readers FROM kept_bridge_book_genre WHERE genre <> 'other'
