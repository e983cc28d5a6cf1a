import { ReadflowError } from '../../runtime/errors.ts'

/** Where a shelf's feed is. `shelf` is null for all of a reader's books. */
export interface ShelfAddress {
  userId: string
  shelf: string | null
  /** Opens a shelf that is not public: a secret. */
  key: string | null
}

/** The only hosts that are ever asked. */
export const GOODREADS_HOSTS: readonly string[] = ['www.goodreads.com', 'goodreads.com']
export const GOODREADS_URL = 'https://www.goodreads.com'

const MAX_SHELF_CHARS = 200
/** GoodReads' own have 48 characters. */
const keyForm = /^[\w-]{8,200}$/

const refuse = (why: string) =>
  // The address itself may hold a key: it is not repeated.
  new ReadflowError('config', `The address of the shelf is not understood: ${why}.`, {
    hint: 'Paste the address of a shelf or of its feed, such as https://www.goodreads.com/review/list_rss/123?shelf=read, or write 123?shelf=read.',
  })

/**
 * What a person pastes: the address of a feed (`…/review/list_rss/123?shelf=read&key=…`), of a shelf's page
 * (`…/review/list/123-name?shelf=read`), of a profile (`…/user/show/123-name`), or only `123?shelf=read`. Only the reader's
 * number, the shelf and the key are taken from it. Throws ReadflowError `config` for anything else.
 */
export const parseShelfAddress = (text: string): ShelfAddress => {
  const trimmed = text.trim()
  const isUser = /^\d+(?:-[^/?#]*)?(?:\?.*)?$/s.test(trimmed)
  const spelled = isUser
    ? `${GOODREADS_URL}/review/list_rss/${trimmed}`
    : /^(?:www\.)?goodreads\.com\//i.test(trimmed)
      ? `https://${trimmed}`
      : trimmed
  const url = URL.parse(spelled)
  if (!url || !/^https?:$/.test(url.protocol)) throw refuse('it is no address')
  if (!GOODREADS_HOSTS.includes(url.hostname) || url.port !== '' || url.username !== '' || url.password !== '')
    throw refuse('only goodreads.com is asked')
  const userId = /^\/(?:review\/list(?:_rss)?|user\/show)\/(\d{1,18})(?:-[^/]*)?\/?$/.exec(url.pathname)?.[1]
  if (userId === undefined) throw refuse("it names no reader's shelf")
  const shelf = url.searchParams.get('shelf')?.trim() || null
  const key = url.searchParams.get('key')?.trim() || null
  if (shelf !== null && (shelf.length > MAX_SHELF_CHARS || /\p{Cc}/u.test(shelf))) throw refuse('its shelf has no such name')
  if (key !== null && !keyForm.test(key)) throw refuse('its key is none')
  return { userId, shelf, key }
}

/** The same without its key, as it may be shown and kept: `123?shelf=read`. */
export const shownShelf = ({ userId, shelf }: Pick<ShelfAddress, 'userId' | 'shelf'>): string =>
  shelf === null ? userId : `${userId}?shelf=${encodeURIComponent(shelf)}`
