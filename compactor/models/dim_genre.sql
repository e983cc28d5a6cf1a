-- The curated genres. Key: md5 of the slug.
SELECT md5(slug) AS genre_sk, slug AS genre, name, slug = 'other' AS is_other
FROM genres
