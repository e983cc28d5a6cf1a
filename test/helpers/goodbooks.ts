import { mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'

const header =
  'book_id,goodreads_book_id,work_id,books_count,isbn,isbn13,authors,original_publication_year,original_title,title,language_code,average_rating,ratings_count,work_ratings_count,work_text_reviews_count,ratings_1,ratings_2,ratings_3,ratings_4,ratings_5,image_url'

/** A small folder in the form of goodbooks-10k: `books` books by 7 authors, `ratings` ratings, all different. */
export const writeGoodbooks = async (dir: string, { books = 20, ratings = 1000 } = {}): Promise<string> => {
  await mkdir(dir, { recursive: true })
  const bookRows = Array.from(
    { length: books },
    (_, index) =>
      `${index + 1},${1000 + index},${index},1,,,Author ${index % 7},2001.0,Title ${index},Title ${index},eng,4.0,5,5,1,1,1,1,1,1,http://x/${index}`,
  )
  const ratingRows = Array.from(
    { length: ratings },
    (_, index) => `${Math.floor(index / books)},${1 + (index % books)},${1 + ((index * 7) % 5)}`,
  )
  await writeFile(path.join(dir, 'books.csv'), `${[header, ...bookRows].join('\n')}\n`)
  await writeFile(path.join(dir, 'ratings.csv'), `${['user_id,book_id,rating', ...ratingRows].join('\n')}\n`)
  await writeFile(path.join(dir, 'tags.csv'), 'tag_id,tag_name\n1,fantasy\n')
  await writeFile(path.join(dir, 'book_tags.csv'), 'goodreads_book_id,tag_id,count\n1000,1,5\n')
  return dir
}
