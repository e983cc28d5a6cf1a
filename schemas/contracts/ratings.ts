import { contractOf, range, required, time } from './build.ts'

export const ratings = contractOf('ratings', {
  rules: [
    required('user_id', 'It is part of the key.'),
    required('book_id', 'It is part of the key.'),
    range('rating', 1, 5, 'A rating is from 1 to 5.'),
    time('rated_at'),
  ],
})
