-- One row per author of a book version; position counts from 1 in the source's order.
SELECT book_sk, CAST(place + 1 AS BIGINT) AS position, a.author_id AS author_id, a.name AS name, a.role AS role
FROM new_book_versions LATERAL VIEW posexplode(authors) t AS place, a
