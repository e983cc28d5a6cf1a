-- Authors, SCD2. A placeholder has no interval: it serves every time until the author's first record comes.
SELECT
  m.author_sk, m.author_id, COALESCE(v.name, m.placeholder_name) AS name, v.gender, v.hometown, v.born_at, v.died_at,
  v.works_count, v.fans_count, v.average_rating, v.ratings_count, v.text_reviews_count, v.url, v.image_url,
  v.valid_from, v.valid_to,
  COALESCE(v.is_current, TRUE) AS is_current,
  COALESCE(v.is_deleted, FALSE) AS is_deleted,
  m.is_placeholder
FROM author_members m
LEFT JOIN author_versions v ON v.author_sk = m.author_sk
