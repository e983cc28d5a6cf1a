import { Link } from 'wouter-preact'
import type { Json } from '../lib/answer.ts'
import { average, count, period } from '../lib/format.ts'
import { Panel, Table } from '../ui/ui.tsx'

const MOST_SHOWN = 20
const MOST_EACH_WAY = 6
const signed = new Intl.NumberFormat(undefined, { signDisplay: 'exceptZero', minimumFractionDigits: 2, maximumFractionDigits: 2 })

/** A book by its title, as a link to its page. */
export const BookLink = ({ book }: { book: Json }) => (
  <Link href={`/books/${encodeURIComponent(book.book_id)}`}>
    <bdi>{book.title ?? `Book ${book.book_id}`}</bdi>
  </Link>
)

const Title = ({ book }: { book: Json }) => (
  <th scope="row" class="title">
    <BookLink book={book} />
    <span class="by">{book.author}</span>
  </th>
)

/** The books that the reader liked most above, and most below, what others think of them. */
export const Against = ({ ratings: { books } }: { ratings: Json }) => {
  const shown: Json[] = books.length <= 2 * MOST_EACH_WAY ? books : [...books.slice(0, MOST_EACH_WAY), ...books.slice(-MOST_EACH_WAY)]
  return (
    <Panel id="against" title="Where I differ" note="What I liked more than others first, less than others last.">
      {shown.length === 0 ? (
        <p class="muted">No book has both a rating of mine and an average.</p>
      ) : (
        <Table
          label="Where I differ"
          columns={[{ name: 'Book' }, { name: 'Mine', kind: 'num' }, { name: 'Average', kind: 'num' }, { name: 'By', kind: 'num' }]}
        >
          {shown.map((book) => (
            <tr key={book.book_id}>
              <Title book={book} />
              <td class="num">{count(book.my_rating)} ★</td>
              <td class="num">{average(book.average_rating)}</td>
              <td class="num">{signed.format(book.difference)}</td>
            </tr>
          ))}
        </Table>
      )}
    </Panel>
  )
}

/** Whom the reader reads most. */
export const Authors = ({ authors }: { authors: Json[] }) => (
  <Panel id="shelf-authors" title="Authors" note="Whom a book names first; those with most books read.">
    {authors.length === 0 ? (
      <p class="muted">No book that was read names an author.</p>
    ) : (
      <Table
        label="Authors"
        columns={[{ name: 'Author' }, { name: 'Books', kind: 'num' }, { name: 'Pages', kind: 'num' }, { name: 'My average', kind: 'num' }]}
      >
        {authors.slice(0, MOST_SHOWN).map((each) => (
          <tr key={each.author_id}>
            <th scope="row">{each.name ?? each.author_id}</th>
            <td class="num">{count(each.books)}</td>
            <td class="num">{count(each.pages)}</td>
            <td class="num">{average(each.my_average)}</td>
          </tr>
        ))}
      </Table>
    )}
  </Panel>
)

/** What waits to be read, longest first. */
export const ToRead = ({ books }: { books: Json[] }) => (
  <Panel
    id="to-read"
    title="To read"
    note={books.length > MOST_SHOWN ? `${count(books.length)} books; the ${MOST_SHOWN} that wait longest.` : 'What waits longest first.'}
  >
    {books.length === 0 ? (
      <p class="muted">Nothing waits to be read.</p>
    ) : (
      <Table
        label="To read"
        columns={[{ name: 'Book' }, { name: 'Pages', kind: 'num' }, { name: 'Average', kind: 'num' }, { name: 'Added', kind: 'num' }]}
      >
        {books.slice(0, MOST_SHOWN).map((book) => (
          <tr key={book.book_id}>
            <Title book={book} />
            <td class="num">{count(book.num_pages)}</td>
            <td class="num">{average(book.average_rating)}</td>
            <td class="num">{book.date === null ? '–' : period(book.date)}</td>
          </tr>
        ))}
      </Table>
    )}
  </Panel>
)
