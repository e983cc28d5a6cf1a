-- The curated genres: slug and the name that people see. A book that none of its shelves places is 'other'.
SELECT slug, name FROM (VALUES
  ('biography', 'Biography & Memoir'),
  ('business', 'Business & Economics'),
  ('childrens', 'Children'),
  ('classics', 'Classics'),
  ('comics', 'Comics & Graphic Novels'),
  ('fantasy', 'Fantasy'),
  ('fiction', 'Fiction'),
  ('historical-fiction', 'Historical Fiction'),
  ('history', 'History'),
  ('horror', 'Horror'),
  ('humor', 'Humor'),
  ('mystery', 'Mystery & Thriller'),
  ('non-fiction', 'Non-fiction'),
  ('poetry', 'Poetry'),
  ('romance', 'Romance'),
  ('science', 'Science'),
  ('science-fiction', 'Science Fiction'),
  ('young-adult', 'Young Adult'),
  ('other', 'Other')
) AS t (slug, name)
