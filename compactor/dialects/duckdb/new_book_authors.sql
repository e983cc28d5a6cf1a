-- One row per author of a book version; position counts from 1 in the source's order.
SELECT book_sk, position, a.author_id AS author_id, a.name AS name, a.role AS role
FROM (SELECT book_sk, unnest(authors) AS a, generate_subscripts(authors, 1) AS position FROM new_book_versions)
