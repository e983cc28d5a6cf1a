import type { Json } from '../lib/answer.ts'
import { average, count, counted, period } from '../lib/format.ts'
import { Panel } from '../ui/ui.tsx'
import { BookLink } from './lists.tsx'

const facts: readonly [string, string, (book: Json) => string][] = [
  ['Longest', 'longest', ({ num_pages }) => `${count(num_pages)} pages`],
  ['Shortest', 'shortest', ({ num_pages }) => `${count(num_pages)} pages`],
  ['Liked best', 'best_rated', ({ my_rating }) => `${count(my_rating)} ★`],
  ['Best known', 'most_popular', ({ ratings_count }) => `${count(ratings_count)} ratings`],
  ['Least known', 'least_popular', ({ ratings_count }) => `${count(ratings_count)} ratings`],
  ['First', 'first', ({ date, date_is }) => `${period(date)}${date_is === 'added' ? ' (added)' : ''}`],
  ['Last', 'last', ({ date, date_is }) => `${period(date)}${date_is === 'added' ? ' (added)' : ''}`],
]

/** A year in books; what is not known of it is left out. */
export const YearInBooks = ({ year, years, choose }: { year: Json | null; years: Json[]; choose: (year: string) => void }) => {
  if (year === null) return null
  const offered = [...new Set([year.year, ...years.map((each) => each.year)])].sort((a, b) => b - a)
  const added = year.dates.added_instead
  return (
    <Panel
      id="year"
      title={`${year.year} in books`}
      note={`${counted(year.books, 'book')}, ${counted(year.pages, 'page')}${year.my_average === null ? '' : `, ${average(year.my_average)} ★ on average`}.${added > 0 ? ` ${count(added)} of them by the date added.` : ''}`}
    >
      <p class="choice">
        <label for="year-choice">Year</label>
        <select id="year-choice" value={year.year} onChange={(event) => choose(event.currentTarget.value)}>
          {offered.map((each) => (
            <option key={each} value={each}>
              {each}
            </option>
          ))}
        </select>
      </p>
      <dl class="facts">
        {facts
          .filter(([, field]) => year[field] !== null)
          .map(([name, field, say]) => [
            <dt key={name}>{name}</dt>,
            <dd key={field}>
              <BookLink book={year[field]} /> <span class="muted">{say(year[field])}</span>
            </dd>,
          ])}
      </dl>
    </Panel>
  )
}
