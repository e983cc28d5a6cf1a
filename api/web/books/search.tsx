import { useEffect, useState } from 'preact/hooks'
import { Link } from 'wouter-preact'
import { useSearchParams } from '../lib/address.ts'
import { type Json, useAnswer, withQuery } from '../lib/answer.ts'
import { average, count } from '../lib/format.ts'
import { State, Table } from '../ui/ui.tsx'

/** A search for books by title, author or ISBN, and what it finds. */
export const Search = ({ q, set, version }: { q: string; set: (changed: Record<string, string>) => void; version: number }) => {
  const [typed, setTyped] = useState(q)
  useEffect(() => setTyped(q), [q])
  const path = q === '' ? null : withQuery('/v1/books', { q, sort: 'relevance', limit: 20 })
  const answer = useAnswer(path, { key: version })
  const submit = (event: Event) => {
    event.preventDefault()
    set({ q: typed.trim() })
  }
  const books: Json[] = path === null ? [] : (answer.data?.books ?? [])
  return (
    <search class="panel" aria-label="Search">
      <form class="choice" onSubmit={submit}>
        <label for="search">Find a book</label>
        <input
          id="search"
          type="search"
          value={typed}
          placeholder="title, author or ISBN"
          onInput={(event) => setTyped(event.currentTarget.value)}
        />
        <button type="submit">Search</button>
        {q !== '' && (
          <button type="button" onClick={() => set({ q: '' })}>
            Clear
          </button>
        )}
      </form>
      {path !== null && (
        <>
          <State
            answer={answer}
            empty={answer.data !== null && books.length === 0 && `Nothing is found for “${q}”. Beginnings of words are enough.`}
          />
          {books.length > 0 && (
            <Table id="found" label={`Books found for ${q}`} columns={bookColumns}>
              {books.map((book, index) => (
                <BookRow key={book.book_id} book={book} rank={index + 1} />
              ))}
            </Table>
          )}
          {answer.data?.next_cursor && <p class="muted">{count(answer.data.total)} books are found; these are the first.</p>}
        </>
      )}
    </search>
  )
}

/** Columns of a table of `BookRow`s. */
export const bookColumns = [
  { name: '#', kind: 'rank' },
  { name: 'Book' },
  { name: 'Ratings', kind: 'num' },
  { name: 'Average', kind: 'num' },
]

/** A book with its rank, as a link to its page, from which one comes back to the same filters and search. */
export const BookRow = ({ book, rank }: { book: Json; rank: number }) => {
  const [search] = useSearchParams()
  return (
    <tr>
      <td class="rank">{rank}</td>
      <th scope="row" class="title">
        <Link href={withQuery(`/books/${encodeURIComponent(book.book_id)}`, Object.fromEntries(search))}>
          <bdi>{book.title ?? `Book ${book.book_id}`}</bdi>
        </Link>
        <span class="by">{(book.author_names ?? []).slice(0, 3).join(', ')}</span>
      </th>
      <td class="num">{count(book.reader_ratings)}</td>
      <td class="num">{average(book.reader_average)} ★</td>
    </tr>
  )
}
