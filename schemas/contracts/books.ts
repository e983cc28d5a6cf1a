import { contractOf, counts, formatted, published, range, required, sum, time } from './build.ts'

const stars = ['ratings_1', 'ratings_2', 'ratings_3', 'ratings_4', 'ratings_5']

export const books = contractOf('books', {
  formats: { description: 'html', isbn: 'isbn-10', isbn13: 'isbn-13', language_code: 'language' },
  rules: [
    required('book_id', 'It is the key.'),
    required('title', 'A book without a title can not be shown or found.'),
    range('average_rating', 0, 5, 'Ratings go from 1 to 5; 0 is unrated.'),
    ...counts(
      'num_pages',
      'ratings_count',
      'text_reviews_count',
      'books_count',
      'work_ratings_count',
      'work_text_reviews_count',
      'work_reviews_count',
    ),
    ...counts(...stars),
    published(''),
    published('original_'),
    time('updated_at'),
    sum(
      'ratings-sum-mismatch',
      stars,
      'work_ratings_count',
      'The source counts the ratings of a work one by one and all together; where the two differ one of them is stale.',
    ),
    formatted('isbn-repaired', 'isbn', {
      ...{ format: 'isbn-10', finds: 'repaired' },
      because: 'Spreadsheets eat the zeros that an ISBN begins with; with them the check digit is right again.',
    }),
    formatted('isbn-invalid', 'isbn', {
      ...{ format: 'isbn-10', finds: 'broken' },
      because: 'The check digit is wrong: no book has this number, and a broken one never costs the book.',
    }),
    formatted('isbn13-repaired', 'isbn13', {
      ...{ format: 'isbn-13', finds: 'repaired' },
      because: 'The number lost digits, as in 9.78e+12; it is computed anew from the ISBN-10.',
    }),
    formatted('isbn13-invalid', 'isbn13', {
      ...{ format: 'isbn-13', finds: 'broken' },
      because: 'The check digit is wrong, and there is no ISBN-10 to compute the number from.',
    }),
    formatted('language-unknown', 'language_code', {
      ...{ format: 'language', finds: 'broken' },
      because: 'The code names no language that ISO 639 knows.',
    }),
  ],
})
