-- One row per author of a book version, by position from 1 in the source's order.
SELECT book_sk, position, author_id, name, role FROM new_book_authors
UNION ALL
SELECT book_sk, position, author_id, name, role FROM kept_bridge_book_author WHERE position > 0
