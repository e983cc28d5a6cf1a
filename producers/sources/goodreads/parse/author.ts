import { authorKeyOfName } from '../../../../schemas/catalogue.ts'
import type { Author } from '../../../../schemas/records.ts'
import { emptyAuthor } from '../../empty.ts'
import { childText, fieldTable, keepElement, readFields } from './fields.ts'
import { parseDecimal, parseInteger } from './values.ts'
import type { XmlElement } from './xml.ts'

const table = fieldTable<Author>({
  name: ['name', 'text'],
  gender: ['gender', 'text'],
  hometown: ['hometown', 'text'],
  born_at: ['born_at', 'day'],
  died_at: ['died_at', 'day'],
  about: ['about', 'text'],
  influences: ['influences', 'text'],
  works_count: ['works_count', 'integer'],
  fans_count: ['fans_count', 'integer'],
  author_followers_count: ['followers_count', 'integer'],
  average_rating: ['average_rating', 'decimal'],
  ratings_count: ['ratings_count', 'integer'],
  text_reviews_count: ['text_reviews_count', 'integer'],
  goodreads_author: ['is_goodreads_author', 'boolean'],
  link: ['url', 'text'],
  image_url: ['image_url', 'text'],
  small_image_url: ['small_image_url', 'text'],
})
const userTable = fieldTable<Author>({ id: ['user_id', 'text'] })

/** Key of an author: the GoodReads id (an element, or an attribute), else the name; null where there is neither. */
export const authorIdOf = (element: XmlElement): string | null => {
  const id = childText(element, 'id') ?? element.attributes['id']?.trim()
  if (id) return id
  const name = childText(element, 'name')
  return name === null ? null : authorKeyOfName(name)
}

/** Whether an element tells all about an author (author.show), or only names one. */
export const isWholeAuthor = (element: XmlElement): boolean =>
  element.children.some(({ name }) => name === 'works_count' || name === 'fans_count' || name === 'about')

/** The field that an element is for, by the name that the element has in `extra`. */
export const authorFieldOf = (name: string): string | null =>
  (name.startsWith('user.') ? userTable.get(name.slice('user.'.length)) : table.get(name))?.[0] ?? null

const nothing = () => undefined

/** An author from an `<author>` element. `books` inside it are left to the caller. */
export const parseAuthor = (element: XmlElement, authorId: string): Author => {
  const author = emptyAuthor(authorId)
  const { extra } = author
  readFields(element, {
    table,
    target: author,
    extra,
    special: {
      id: nothing,
      books: nothing,
      // What the author did for the book that names them: kept in the book.
      role: nothing,
      user: (user) =>
        user.children.length > 0
          ? readFields(user, { table: userTable, target: author, extra, path: 'user.' })
          : keepElement(extra, 'user', user),
    },
  })
  return author
}

/**
 * author.show leaves out the author's rating numbers, but the books that it lists name the author with them:
 * takes them over where they are missing.
 */
export const completeAuthor = (author: Author, named: XmlElement): void => {
  author.average_rating ??= parseDecimal(childText(named, 'average_rating') ?? '')
  author.ratings_count ??= parseInteger(childText(named, 'ratings_count') ?? '')
  author.text_reviews_count ??= parseInteger(childText(named, 'text_reviews_count') ?? '')
}
