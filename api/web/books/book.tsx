import { useEffect, useMemo } from 'preact/hooks'
import { Link } from 'wouter-preact'
import { useSearchParams } from '../lib/address.ts'
import { type Json, useAnswer, withQuery } from '../lib/answer.ts'
import { average, capital, count, period } from '../lib/format.ts'
import { useStatus } from '../lib/status.ts'
import { ChartPanel, palette } from '../ui/chart.tsx'
import { Panel, State, Table, Time } from '../ui/ui.tsx'
import { languageName } from './filters.tsx'
import { OnceGold } from './once-gold.tsx'

/** One book: what it is, how it is rated, and how it came to be so. */
export const BookPage = ({ id }: { id: string }) => (
  <OnceGold title={`Book ${id}`}>
    <Book id={id} />
  </OnceGold>
)

const Book = ({ id }: { id: string }) => {
  const version: number = useStatus().data.gold.version
  const [search] = useSearchParams()
  const path = `/v1/books/${encodeURIComponent(id)}`
  const answer = useAnswer(path, { key: version })
  const book = answer.data?.book
  const title = book?.title ?? `Book ${id}`
  useEffect(() => {
    document.title = `${title} · Books · ReadFlow`
  }, [title])
  return (
    <>
      <p>
        {/* With the filters and the search that led here. */}
        <Link href={withQuery('/books', Object.fromEntries(search))}>← All books</Link>
      </p>
      <section class="panel" aria-labelledby="book-title">
        <h2 id="book-title" dir="auto">
          {title}
        </h2>
        <State answer={answer} />
        {book && <About book={book} reviews={answer.data.reviews} version={answer.data.version} />}
      </section>
      {book && <Stars path={`${path}/ratings`} version={version} />}
      {book && <History path={`${path}/history`} version={version} />}
    </>
  )
}

const About = ({ book, reviews, version }: { book: Json; reviews: Json; version: number }) => {
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
      <p class="muted">
        Gold version {count(version)}
        {book.url && (
          <>
            {' · '}
            <a href={book.url} rel="noreferrer noopener">
              On GoodReads
            </a>
          </>
        )}
      </p>
    </>
  )
}

const Stars = ({ path, version }: { path: string; version: number }) => {
  const answer = useAnswer(path, { key: version })
  const stars: Json[] = answer.data?.stars ?? []
  const drawing = useMemo(() => {
    const series = [
      { name: 'Ratings in Gold', values: stars.map((each) => each.ratings), color: palette[0]! },
      { name: 'As the source counts', values: stars.map((each) => each.source_ratings), color: palette[3]! },
    ].filter(({ values }) => values.some((value) => value > 0))
    return series.length === 0 ? null : { type: 'bar' as const, labels: stars.map((each) => `${each.stars} ★`), series }
  }, [answer.data])
  return (
    <ChartPanel
      id="stars"
      title="Ratings by stars"
      note="What readers gave it, of the ratings in Gold and of those that the source has."
      {...{ answer, path, drawing }}
      columns={[{ name: 'Stars' }, { name: 'In Gold', kind: 'num' }, { name: 'At the source', kind: 'num' }]}
      rows={stars.map((each) => (
        <tr key={each.stars}>
          <th scope="row">{each.stars} ★</th>
          <td class="num">{count(each.ratings)}</td>
          <td class="num">{count(each.source_ratings)}</td>
        </tr>
      ))}
      empty="It has no ratings yet."
    />
  )
}

const History = ({ path, version }: { path: string; version: number }) => {
  const answer = useAnswer(path, { key: version })
  const versions: Json[] = answer.data?.versions ?? []
  const months: Json[] = answer.data?.months ?? []
  return (
    <div class="pair even">
      <Panel id="versions" title="What changed" note="Each version of the book, newest first.">
        <State answer={answer} empty={answer.data !== null && versions.length === 0 && 'No version is known.'} />
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
                <td class="title">{each.title === null ? '–' : <bdi>{each.title}</bdi>}</td>
                <td class="num">{count(each.ratings_count)}</td>
                <td class="num">{average(each.average_rating)}</td>
              </tr>
            ))}
          </Table>
        )}
      </Panel>
      <Panel id="months" title="By month" note="Ratings and reviews in Gold.">
        <State answer={answer} empty={answer.data !== null && months.length === 0 && 'None yet.'} />
        {months.length > 0 && (
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
