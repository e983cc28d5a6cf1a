import { birth, contractOf, counts, range, required, time } from './build.ts'

export const authors = contractOf('authors', {
  formats: { about: 'html', influences: 'html' },
  rules: [
    required('author_id', 'It is the key.'),
    required('name', 'An author without a name can not be shown or found.'),
    range('average_rating', 0, 5, 'Ratings go from 1 to 5; 0 is unrated.'),
    ...counts('works_count', 'fans_count', 'followers_count', 'ratings_count', 'text_reviews_count'),
    time('updated_at'),
    birth('born_at'),
    birth('died_at'),
  ],
})
