import { contractOf, counts, lifeTime, range, required, time } from './build.ts'

export const reviews = contractOf('reviews', {
  formats: { body: 'html' },
  rules: [
    required('review_id', 'It is the key.'),
    required('book_id', 'A review is of a book.'),
    range('rating', 1, 5, 'Ratings go from 1 to 5; unrated is no rating.'),
    ...counts('votes', 'comments_count', 'read_count', 'owned'),
    time('date_added'),
    time('date_updated'),
    lifeTime('started_at'),
    lifeTime('read_at'),
  ],
})
