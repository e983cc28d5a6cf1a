import { useMemo } from 'preact/hooks'
import { useSearchParams } from '../lib/address.ts'
import { type Answer, type Json, useAnswer, withQuery } from '../lib/answer.ts'
import { average, count, counted, period } from '../lib/format.ts'
import { useStatus } from '../lib/status.ts'
import { ChartPanel, palette, Sources } from '../ui/chart.tsx'
import { Panel, State } from '../ui/ui.tsx'
import { Against, Authors, ToRead } from './lists.tsx'
import { YearInBooks } from './year.tsx'

/** What the books of a shelf come to, in one Gold version; nothing is asked before they are there. */
export const ShelfStats = ({ shelf }: { shelf: Json }) => {
  const { data: status } = useStatus()
  const [search, setSearch] = useSearchParams()
  const year = search.get('year')
  const path = shelf.in_gold ? withQuery(`/v1/shelves/${encodeURIComponent(shelf.id)}/stats`, { year }) : null
  const answer = useAnswer(path, { key: status?.gold?.version })
  const stats = answer.data
  const set = (name: string, value: string) =>
    setSearch((before) => new URLSearchParams({ ...Object.fromEntries(before), id: shelf.id, [name]: value }), { replace: true })
  if (stats === null) {
    return (
      <Panel id="shelf-stats" title={shelf.name}>
        {path === null ? <p class="muted">{waitingFor(shelf)}</p> : <State answer={answer} />}
      </Panel>
    )
  }
  const bucket = search.get('bucket') === 'year' ? 'year' : 'month'
  return (
    <>
      <Summary shelf={shelf} answer={answer} bucket={bucket} set={set} />
      <div class="pair even">
        <Periods answer={answer} bucket={bucket} figure="books" title={`Books by ${bucket}`} />
        <Periods answer={answer} bucket={bucket} figure="pages" title={`Pages by ${bucket}`} />
      </div>
      <YearInBooks year={stats.year_in_books} years={stats.by_year} choose={(chosen) => set('year', chosen)} />
      <div class="pair even">
        <MineAndAverage answer={answer} />
        <Genres answer={answer} />
      </div>
      <div class="pair even">
        <Against ratings={stats.ratings} />
        <Authors authors={stats.authors} />
      </div>
      <ToRead books={stats.to_read} />
    </>
  )
}

/** Where a part of a shelf's figures is by itself. */
const partPath = ({ data }: Answer, part: string) => `/v1/shelves/${encodeURIComponent(data.shelf)}/${part}`
/** An answer with the SQL of one of its charts. */
const withSql = (answer: Answer, chart: string): Answer => ({ ...answer, data: { ...answer.data, sql: answer.data.chart_sql[chart] } })

const waitingFor = ({ state, detail }: Json) =>
  state === 'failed'
    ? (detail ?? 'It could not be read.')
    : 'Its books are on their way through the pipeline. They show here once they are in Gold.'

/** Where the day of reading is not known the day of adding counts: a reader must know that. */
const datesNote = ({ added_instead: added, none }: Json) =>
  [
    added > 0 && `${counted(added, 'book')} without the date read: the date added counts instead.`,
    none > 0 && `${counted(none, 'book')} without either date: in no month and no year.`,
  ]
    .filter(Boolean)
    .join(' ')

const Summary = ({
  shelf,
  answer,
  bucket,
  set,
}: {
  shelf: Json
  answer: Answer
  bucket: string
  set: (name: string, value: string) => void
}) => {
  const { books, pages, books_without_pages: without, dates } = answer.data
  return (
    <Panel
      id="shelf-stats"
      title={shelf.name}
      note={`${counted(books.read, 'book')} read, ${counted(pages, 'page')}${without > 0 ? ` (${counted(without, 'book')} not counted, for want of their number)` : ''}; ${count(books.to_read)} to read, ${count(books.currently_reading)} being read.`}
    >
      <State answer={answer} />
      {datesNote(dates) !== '' && <p id="shelf-dates">{datesNote(dates)}</p>}
      <p class="choice">
        <label for="bucket">Count by</label>
        <select id="bucket" value={bucket} onChange={(event) => set('bucket', event.currentTarget.value)}>
          <option value="month">month</option>
          <option value="year">year</option>
        </select>
      </p>
      <Sources id="shelf-books-list" answer={answer} path={partPath(answer, 'books')} />
    </Panel>
  )
}

const Periods = ({
  answer,
  bucket,
  figure,
  title,
}: {
  answer: Answer
  bucket: 'month' | 'year'
  figure: 'books' | 'pages'
  title: string
}) => {
  const points: Json[] = answer.data[`by_${bucket}`]
  const nameOf = (each: Json) => period(String(each[bucket]).padStart(4, '0'))
  const drawing = useMemo(
    () =>
      points.length > 0
        ? {
            type: 'bar' as const,
            labels: points.map(nameOf),
            series: [{ name: title, values: points.map((each) => each[figure]), color: palette[figure === 'books' ? 0 : 3]! }],
          }
        : null,
    [points, figure],
  )
  return (
    <ChartPanel
      id={`shelf-${figure}`}
      title={title}
      note={figure === 'books' ? 'That were read.' : 'Of the books that say how many they have.'}
      answer={withSql(answer, `by_${bucket}`)}
      path={partPath(answer, `by-${bucket}`)}
      drawing={drawing}
      columns={[{ name: bucket === 'month' ? 'Month' : 'Year' }, { name: 'Books', kind: 'num' }, { name: 'Pages', kind: 'num' }]}
      rows={points.map((each) => (
        <tr key={each[bucket]}>
          <th scope="row">{nameOf(each)}</th>
          <td class="num">{count(each.books)}</td>
          <td class="num">{count(each.pages)}</td>
        </tr>
      ))}
      empty="No book that was read has a date."
    />
  )
}

const MineAndAverage = ({ answer }: { answer: Answer }) => {
  const { rated, compared, compared_my_average: mine, compared_average: theirs, distribution } = answer.data.ratings
  const stars: Json[] = distribution
  const drawing = useMemo(
    () =>
      rated > 0
        ? {
            type: 'bar' as const,
            labels: stars.map((each) => `${each.stars} ★`),
            series: [
              { name: 'Mine', values: stars.map((each) => each.mine), color: palette[0]! },
              { name: 'Average, rounded', values: stars.map((each) => each.average), color: palette[1]! },
            ],
          }
        : null,
    [answer.data],
  )
  return (
    <ChartPanel
      id="shelf-ratings"
      title="Mine against the average"
      note={compared > 0 ? `${average(mine)} ★ against ${average(theirs)} ★, over ${counted(compared, 'book')} with both.` : ' '}
      answer={withSql(answer, 'stars')}
      path={partPath(answer, 'stars')}
      drawing={drawing}
      columns={[{ name: 'Stars' }, { name: 'Mine', kind: 'num' }, { name: 'Average', kind: 'num' }]}
      rows={stars.map((each) => (
        <tr key={each.stars}>
          <th scope="row">{each.stars} ★</th>
          <td class="num">{count(each.mine)}</td>
          <td class="num">{count(each.average)}</td>
        </tr>
      ))}
      empty="No book that was read is rated."
    />
  )
}

const MOST_GENRES = 12

const Genres = ({ answer }: { answer: Answer }) => {
  const genres: Json[] = answer.data.genres
  const drawing = useMemo(() => {
    const most = genres.slice(0, MOST_GENRES)
    return most.length === 0
      ? null
      : {
          type: 'bar' as const,
          isHorizontal: true,
          labels: most.map(({ name }) => name),
          series: [{ name: 'Books', values: most.map(({ books }) => books), color: palette[4]! }],
        }
  }, [genres])
  return (
    <ChartPanel
      id="shelf-genres"
      title="Genres"
      note="As Gold gives them to the books that were read."
      answer={withSql(answer, 'genres')}
      path={partPath(answer, 'genres')}
      drawing={drawing}
      columns={[{ name: 'Genre' }, { name: 'Books', kind: 'num' }, { name: 'Pages', kind: 'num' }, { name: 'My average', kind: 'num' }]}
      rows={genres.map((each) => (
        <tr key={each.genre}>
          <th scope="row">{each.name}</th>
          <td class="num">{count(each.books)}</td>
          <td class="num">{count(each.pages)}</td>
          <td class="num">{average(each.my_average)}</td>
        </tr>
      ))}
      empty="No book was read so far."
    />
  )
}
