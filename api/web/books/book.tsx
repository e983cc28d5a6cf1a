import { useMemo } from 'preact/hooks'
import { Link } from 'wouter-preact'
import { type Json, useAnswer } from '../lib/answer.ts'
import { average, capital, count, period } from '../lib/format.ts'
import { useStatus } from '../lib/status.ts'
import { ChartPanel, palette } from '../ui/chart.tsx'
import { Panel, State, Table, Time } from '../ui/ui.tsx'
import { languageName } from './filters.tsx'

/** One book: what it is, how it is rated, and how it came to be so. */
export const BookPage = ({ id }: { id: string }) => {
  const { data } = useStatus()
  const version = data?.gold?.version
  const answer = useAnswer(`/v1/books/${encodeURIComponent(id)}`, { key: version })
  const history = useAnswer(`/v1/books/${encodeURIComponent(id)}/history`, { key: version })
  const book = answer.data?.book
  return (
    <>
      <p>
        <Link href="/books">← All books</Link>
      </p>
      <section class="panel" aria-labelledby="book-title">
        <h2 id="book-title">{book?.title ?? `Book ${id}`}</h2>
        <State answer={answer} />
        {book && <About book={book} reviews={answer.data.reviews} />}
      </section>
      {book && <Stars book={book} answer={answer} id={id} />}
      <History answer={history} />
    </>
  )
}

const About = ({ book, reviews }: { book: Json; reviews: Json }) => {
  const facts: [string, Json][] = [
    ['By', book.authors.map(({ name, role }: Json) => (role ? `${name} (${role})` : name)).join(', ')],
    ['Genre', book.primary_genre && capital(book.primary_genre.replaceAll('-', ' '))],
    ['Language', book.language_code && languageName(book.language_code)],
    ['Published', [book.publisher, book.publication_date ?? book.publication_year].filter(Boolean).join(', ')],
    ['Format', [book.format, book.num_pages && `${count(book.num_pages)} pages`].filter(Boolean).join(', ')],
    ['ISBN', book.isbn13 ?? book.isbn],
    [
      'Readers',
      `${count(book.reader_ratings)} ratings in Gold, ${average(book.reader_average)} ★; ${count(reviews.count)} reviews, ${count(reviews.with_text)} with text`,
    ],
    ['The source says', `${count(book.ratings_count)} ratings, ${average(book.average_rating)} ★`],
    ['Tags', (book.tags ?? []).slice(0, 12).join(', ')],
  ]
  return (
    <>
      {book.is_placeholder && <p class="muted">Only ratings or reviews of it came so far: the book itself is not known yet.</p>}
      <dl class="facts">
        {facts
          .filter(([, value]) => value)
          .map(([name, value]) => (
            <>
              <dt>{name}</dt>
              <dd>{value}</dd>
            </>
          ))}
      </dl>
      {book.url && (
        <p class="muted">
          <a href={book.url} rel="noreferrer noopener">
            On GoodReads
          </a>
        </p>
      )}
    </>
  )
}

const Stars = ({ book, answer, id }: { book: Json; answer: Json; id: string }) => {
  const stars = ['1', '2', '3', '4', '5']
  const drawing = useMemo(
    () => ({
      type: 'bar' as const,
      labels: stars.map((star) => `${star} ★`),
      series: [
        { name: 'Ratings in Gold', values: stars.map((star) => book.reader_histogram[star]), color: palette[0]! },
        { name: 'As the source counts', values: stars.map((star) => book.source_histogram[star]), color: palette[3]! },
      ].filter(({ values }) => values.some((value) => value > 0)),
    }),
    [book],
  )
  return (
    <ChartPanel
      id="stars"
      title="Ratings by stars"
      note=" "
      answer={{ ...answer, data: { ...answer.data, sql: null } }}
      path={`/v1/books/${encodeURIComponent(id)}`}
      drawing={drawing.series.length > 0 ? drawing : null}
      columns={[{ name: 'Stars' }, { name: 'In Gold', kind: 'num' }, { name: 'At the source', kind: 'num' }]}
      rows={stars.map((star) => (
        <tr key={star}>
          <th scope="row">{star} ★</th>
          <td class="num">{count(book.reader_histogram[star])}</td>
          <td class="num">{count(book.source_histogram[star])}</td>
        </tr>
      ))}
      empty="It has no ratings yet."
    />
  )
}

const History = ({ answer }: { answer: Json }) => {
  const versions: Json[] = answer.data?.versions ?? []
  const months: Json[] = answer.data?.months ?? []
  return (
    <div class="pair even">
      <Panel id="versions" title="What changed" note="Each version of the book, newest first.">
        <State answer={answer} empty={versions.length === 0 && 'No version is known.'} />
        {versions.length > 0 && (
          <Table
            label="Versions"
            columns={[{ name: 'From' }, { name: 'Title' }, { name: 'Ratings', kind: 'num' }, { name: 'Average', kind: 'num' }]}
          >
            {versions.toReversed().map((each, index) => (
              <tr key={index}>
                <th scope="row">
                  {each.valid_from ? <Time at={each.valid_from} /> : '–'}
                  {each.is_current && <span class="by">now</span>}
                  {each.is_deleted && <span class="by bad">deleted</span>}
                </th>
                <td class="title">{each.title ?? '–'}</td>
                <td class="num">{count(each.ratings_count)}</td>
                <td class="num">{average(each.average_rating)}</td>
              </tr>
            ))}
          </Table>
        )}
      </Panel>
      <Panel id="months" title="By month" note="Ratings and reviews in Gold.">
        {months.length === 0 ? (
          <p class="muted">None yet.</p>
        ) : (
          <Table
            label="Ratings by month"
            columns={[
              { name: 'Month' },
              { name: 'Ratings', kind: 'num' },
              { name: 'Average', kind: 'num' },
              { name: 'Reviews', kind: 'num' },
            ]}
          >
            {months.toReversed().map((each) => (
              <tr key={each.month}>
                <th scope="row">{each.month === 'unknown' ? 'without a time' : period(each.month)}</th>
                <td class="num">{count(each.ratings)}</td>
                <td class="num">{average(each.average_rating)}</td>
                <td class="num">{count(each.reviews)}</td>
              </tr>
            ))}
          </Table>
        )}
      </Panel>
    </div>
  )
}
