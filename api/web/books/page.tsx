import { useMemo } from 'preact/hooks'
import { type Json, useAnswer, withQuery } from '../lib/answer.ts'
import { average, capital, count, period } from '../lib/format.ts'
import { useStatus } from '../lib/status.ts'
import { ChartPanel, palette, Sources } from '../ui/chart.tsx'
import { Panel, State, Table } from '../ui/ui.tsx'
import { FilterBar, type Filters, languageName, useFilters } from './filters.tsx'
import { OnceGold } from './once-gold.tsx'
import { BookRow, bookColumns, Search } from './search.tsx'
import { bucketOf, monthAfter, pointsByKey } from './series.ts'

/** What readers rate: charts that are narrowed together, and a search. */
export const BooksPage = () => (
  <OnceGold title="Books">
    <Books />
  </OnceGold>
)

const Books = () => {
  const version: number = useStatus().data.gold.version
  const { filters, search, set } = useFilters()
  return (
    <>
      <Search q={search.get('q') ?? ''} set={set} version={version} />
      <FilterBar filters={filters} set={set} version={version} />
      <div class="pair even">
        <Distribution filters={filters} version={version} />
        <Reviews filters={filters} set={set} version={version} />
      </div>
      <OverTime id="genres" by="genre" title="Ratings by genre over time" {...{ filters, set, version }} />
      <OverTime id="languages" by="language" title="Ratings by language over time" {...{ filters, set, version }} />
      <div class="pair even">
        <TopBooks filters={filters} version={version} />
        <Authors filters={filters} version={version} />
      </div>
    </>
  )
}

interface ChartProps {
  filters: Filters
  version: number
}
type SetFilters = ReturnType<typeof useFilters>['set']

/** Narrows all charts to what a row of a table, or a click on its chart, is of; the same again takes that back. */
const Narrow = ({ isOn, narrow, name }: { isOn: boolean; narrow: () => void; name: string }) => (
  <button type="button" class="link" aria-pressed={isOn} title={isOn ? 'Show all again' : 'Narrow all charts to it'} onClick={narrow}>
    {name}
  </button>
)

const Distribution = ({ filters, version }: ChartProps) => {
  const path = withQuery('/v1/charts/rating-distribution', { ...filters })
  const answer = useAnswer(path, { key: version })
  const stars: Json[] = answer.data?.stars ?? []
  const drawing = useMemo(
    () =>
      answer.data?.ratings > 0
        ? {
            type: 'bar' as const,
            labels: stars.map((each) => `${each.stars} ★`),
            series: [{ name: 'Ratings', values: stars.map((each) => each.ratings), color: palette[0]! }],
          }
        : null,
    [answer.data],
  )
  return (
    <ChartPanel
      id="distribution"
      title="How books are rated"
      note={drawing ? `${count(answer.data.ratings)} ratings, ${average(answer.data.average)} ★ on average.` : ' '}
      {...{ answer, path, drawing }}
      columns={[{ name: 'Stars' }, { name: 'Ratings', kind: 'num' }]}
      rows={stars.map((each) => (
        <tr key={each.stars}>
          <th scope="row">{each.stars} ★</th>
          <td class="num">{count(each.ratings)}</td>
        </tr>
      ))}
      empty="No rating meets these filters."
    />
  )
}

const OverTime = ({
  id,
  by,
  title,
  filters,
  set,
  version,
}: ChartProps & { id: string; by: 'genre' | 'language'; title: string; set: SetFilters }) => {
  const name = by === 'genre' ? 'genre' : 'language_code'
  const narrow = (key: string) => set({ [name]: filters[name] === key ? '' : key })
  const bucket = bucketOf(filters)
  const path = withQuery('/v1/charts/ratings-over-time', { by, bucket, ...filters })
  const answer = useAnswer(path, { key: version })
  const named = useMemo(
    () =>
      pointsByKey(answer.data?.points ?? [], by === 'language' ? (key) => (key === 'unknown' ? 'unknown' : languageName(key)) : undefined),
    [answer.data],
  )
  const drawing = useMemo(
    () =>
      named.series.length > 0 ? { type: 'bar' as const, isStacked: true, labels: named.periods.map(period), series: named.series } : null,
    [named],
  )
  const without = answer.data?.without_time ?? 0
  // The same as long as the figures are: there may be thousands of cells.
  const overTime = useMemo(
    () => (
      <Table
        label={`${title}: ratings per ${bucket}`}
        columns={[{ name: capital(bucket) }, ...named.series.map((each) => ({ name: each.name, kind: 'num' }))]}
      >
        {named.periods.map((each, index) => (
          <tr key={each}>
            <th scope="row">{period(each)}</th>
            {named.series.map(({ name: line, values }) => (
              <td key={line} class="num">
                {count(values[index])}
              </td>
            ))}
          </tr>
        ))}
      </Table>
    ),
    [named],
  )
  return (
    <ChartPanel
      id={id}
      title={title}
      note={`By the book's ${by === 'genre' ? 'primary genre' : 'language'}, per ${bucket}.${without > 0 ? ` ${count(without)} ratings without a time are left out.` : ''}`}
      {...{ answer, path, drawing }}
      pick={(_index, picked) => {
        const key = named.series.find((each) => each.name === picked)?.key
        if (key != null && key !== 'unknown') narrow(key)
      }}
      columns={[{ name: capital(by) }, { name: 'Ratings', kind: 'num' }, { name: 'Average', kind: 'num' }]}
      rows={named.series.map((each) => (
        <tr key={each.name}>
          <th scope="row">
            {each.key === null || each.key === 'unknown' ? (
              each.name
            ) : (
              <Narrow isOn={filters[name] === each.key} narrow={() => narrow(each.key ?? '')} name={each.name} />
            )}
          </th>
          <td class="num">{count(each.ratings)}</td>
          <td class="num">{average(each.average)}</td>
        </tr>
      ))}
      more={overTime}
      empty="No rating with a time meets these filters."
    />
  )
}

const Reviews = ({ filters, set, version }: ChartProps & { set: SetFilters }) => {
  const isMonth = (month: string) => filters.from === month && filters.to === monthAfter(month)
  const narrow = (month: string) => set(isMonth(month) ? { from: '', to: '' } : { from: month, to: monthAfter(month) })
  const bucket = bucketOf(filters)
  const path = withQuery('/v1/charts/review-trends', { bucket, ...filters })
  const answer = useAnswer(path, { key: version })
  const points: Json[] = answer.data?.points ?? []
  const drawing = useMemo(
    () =>
      points.length > 0
        ? {
            type: 'line' as const,
            labels: points.map((each) => period(each.period)),
            series: [
              { name: 'Reviews', values: points.map((each) => each.reviews), color: palette[0]! },
              { name: 'With text', values: points.map((each) => each.text_reviews), color: palette[2]! },
            ],
          }
        : null,
    [answer.data],
  )
  return (
    <ChartPanel
      id="reviews"
      title="Reviews over time"
      note={`Per ${bucket}, by the day of their last change.`}
      {...{ answer, path, drawing }}
      pick={(index) => points[index] && narrow(points[index].period.slice(0, 7))}
      columns={[
        { name: capital(bucket) },
        { name: 'Reviews', kind: 'num' },
        { name: 'With text', kind: 'num' },
        { name: 'Votes', kind: 'num wide' },
      ]}
      rows={points.map((each) => (
        <tr key={each.period}>
          <th scope="row">
            {bucket === 'day' ? (
              period(each.period)
            ) : (
              <Narrow isOn={isMonth(each.period)} narrow={() => narrow(each.period)} name={period(each.period)} />
            )}
          </th>
          <td class="num">{count(each.reviews)}</td>
          <td class="num">{count(each.text_reviews)}</td>
          <td class="num wide">{count(each.votes)}</td>
        </tr>
      ))}
      empty="No review meets these filters."
    />
  )
}

const TopBooks = ({ filters, version }: ChartProps) => {
  const path = withQuery('/v1/charts/top-books', { limit: 10, ...filters })
  const answer = useAnswer(path, { key: version })
  const books: Json[] = answer.data?.books ?? []
  return (
    <Panel id="top" title="Top books" note="By number of ratings in Gold." isBusy={answer.isOther}>
      <State answer={answer} empty={answer.data !== null && books.length === 0 && 'No rated book meets these filters.'} />
      {books.length > 0 && (
        <Table id="top-books" label="Top books" columns={bookColumns}>
          {books.map((book, index) => (
            <BookRow key={book.book_id} book={book} rank={index + 1} />
          ))}
        </Table>
      )}
      <Sources id="top-books" answer={answer} path={path} />
    </Panel>
  )
}

const Authors = ({ filters, version }: ChartProps) => {
  const path = withQuery('/v1/charts/author-performance', { limit: 12, min_ratings: 5, ...filters })
  const answer = useAnswer(path, { key: version })
  const authors: Json[] = answer.data?.authors ?? []
  const drawing = useMemo(
    () =>
      authors.length > 0
        ? {
            type: 'bar' as const,
            isHorizontal: true,
            labels: authors.map((each) => each.name ?? each.author_id),
            series: [{ name: 'Rating', values: authors.map((each) => each.bayesian_rating), color: palette[4]! }],
          }
        : null,
    [answer.data],
  )
  return (
    <ChartPanel
      id="authors"
      title="How authors are rated"
      note="Averages that count as if 25 ratings at the mean of all came before: two fives make no best author."
      {...{ answer, path, drawing }}
      columns={[{ name: 'Author' }, { name: 'Books', kind: 'num' }, { name: 'Ratings', kind: 'num' }, { name: 'Rating', kind: 'num' }]}
      rows={authors.map((each) => (
        <tr key={each.author_id}>
          <th scope="row">{each.name ?? each.author_id}</th>
          <td class="num">{count(each.books)}</td>
          <td class="num">{count(each.ratings)}</td>
          <td class="num">{average(each.bayesian_rating)}</td>
        </tr>
      ))}
      empty="No author has five ratings that meet these filters."
    />
  )
}
