-- Shelves that say how a reader keeps a book and nothing about it: neither genre nor tag.
-- book_shelves.sql adds patterns such as 'to-read-…' and 'read-in-2016' to these.
SELECT shelf FROM (VALUES
  ('to-read'), ('currently-reading'), ('read'), ('favorites'), ('favourites'), ('favorite'), ('favourite'), ('my-favorites'),
  ('all-time-favorites'), ('favorite-books'), ('shelfari-favorites'), ('owned'), ('owned-books'), ('own-it'), ('own'), ('i-own'),
  ('own-to-read'), ('books-i-own'), ('my-books'), ('my-library'), ('library'), ('library-book'), ('library-books'), ('home-library'),
  ('borrowed'), ('bookshelf'), ('books'), ('book'), ('default'), ('maybe'), ('other'), ('general'),
  ('have'), ('kindle'), ('on-kindle'), ('kindle-books'), ('kindle-unlimited'), ('ebook'), ('ebooks'), ('e-book'),
  ('e-books'), ('nook'), ('calibre'), ('overdrive'), ('audible'), ('audio'), ('audiobook'), ('audiobooks'),
  ('audio-book'), ('audio-books'), ('listened'), ('listened-to'), ('wish-list'), ('wishlist'), ('shelfari-wishlist'), ('to-buy'),
  ('tbr'), ('want-to-read'), ('to-re-read'), ('re-read'), ('reread'), ('must-read'), ('abandoned'), ('dnf'),
  ('did-not-finish'), ('didn-t-finish'), ('couldn-t-finish'), ('could-not-finish'), ('never-finished'), ('unfinished'), ('finished'), ('gave-up'),
  ('gave-up-on'), ('stopped-reading'), ('on-hold'), ('book-club'), ('bookclub'), ('book-group'), ('book-club-books'), ('book-club-reads'),
  ('for-school'), ('school'), ('school-books'), ('school-reads'), ('school-reading'), ('high-school'), ('read-in-school'), ('recommended'),
  ('reviewed'), ('first-reads'), ('series'), ('5-stars'), ('4-stars'), ('3-stars'), ('2-stars'), ('1-star'),
  ('2006'), ('read-in-english'), ('required-reading')
) AS t (shelf)
