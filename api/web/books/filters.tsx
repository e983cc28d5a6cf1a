import { useSearchParams } from '../lib/address.ts'
import { type Json, useAnswer } from '../lib/answer.ts'
import { count } from '../lib/format.ts'

export interface Filters {
  genre: string
  language_code: string
  from: string
  to: string
}

const names = ['genre', 'language_code', 'from', 'to'] as const

/** The filters that all charts share, which are in the address of the page. */
export const useFilters = () => {
  const [search, setSearch] = useSearchParams()
  const filters = Object.fromEntries(names.map((name) => [name, search.get(name) ?? ''])) as unknown as Filters
  const set = (changed: Record<string, string>) =>
    setSearch(
      (before) => {
        const next = new URLSearchParams(before)
        for (const [name, value] of Object.entries(changed)) value === '' ? next.delete(name) : next.set(name, value)
        return next
      },
      { replace: true },
    )
  return { filters, search, set }
}

/** Date, genre and language: what is chosen here narrows every chart of the page. */
export const FilterBar = ({
  filters,
  set,
  version,
}: {
  filters: Filters
  set: (changed: Record<string, string>) => void
  version: number | undefined
}) => {
  const genres = useAnswer('/v1/genres', { key: version })
  const languages = useAnswer('/v1/languages', { key: version })
  const isAny = names.some((name) => filters[name] !== '')
  return (
    <form class="filters panel" aria-label="Filters" onSubmit={(event) => event.preventDefault()}>
      <label>
        Genre
        <select id="filter-genre" value={filters.genre} onChange={(event) => set({ genre: event.currentTarget.value })}>
          <option value="">All</option>
          {(genres.data?.genres ?? []).map(({ genre, name, ratings }: Json) => (
            <option key={genre} value={genre}>
              {name} ({count(ratings)})
            </option>
          ))}
        </select>
      </label>
      <label>
        Language
        <select id="filter-language" value={filters.language_code} onChange={(event) => set({ language_code: event.currentTarget.value })}>
          <option value="">All</option>
          {(languages.data?.languages ?? [])
            .filter(({ language_code: code }: Json) => code !== null)
            .map(({ language_code: code, ratings }: Json) => (
              <option key={code} value={code}>
                {languageName(code)} ({count(ratings)})
              </option>
            ))}
        </select>
      </label>
      <label>
        From
        <input
          id="filter-from"
          type="month"
          placeholder="YYYY-MM"
          pattern="\d{4}-\d{2}"
          value={filters.from}
          onChange={(event) => set({ from: event.currentTarget.value })}
        />
      </label>
      <label>
        Before
        <input
          id="filter-to"
          type="month"
          placeholder="YYYY-MM"
          pattern="\d{4}-\d{2}"
          value={filters.to}
          onChange={(event) => set({ to: event.currentTarget.value })}
        />
      </label>
      {isAny && (
        <button type="button" onClick={() => set({ genre: '', language_code: '', from: '', to: '' })}>
          Clear
        </button>
      )}
    </form>
  )
}

/** ISO 639-3 in the reader's language, as far as the browser knows it. */
export const languageName = (code: string | null): string => {
  if (code === null) return 'unknown'
  try {
    return new Intl.DisplayNames(undefined, { type: 'language' }).of(code) ?? code
  } catch {
    // A code that the browser refuses is shown as it is.
    return code
  }
}
