-- One row per shelf of a book version, as the source names it; position counts from 1 in the source's order.
SELECT book_sk, CAST(place + 1 AS BIGINT) AS position, s.name AS shelf, s.count AS readers
FROM new_book_versions LATERAL VIEW posexplode(shelves) t AS place, s
