-- One row per shelf of a book version, as the source names it; position counts from 1 in the source's order.
SELECT book_sk, position, s.name AS shelf, s.count AS readers
FROM (SELECT book_sk, unnest(shelves) AS s, generate_subscripts(shelves, 1) AS position FROM new_book_versions)
