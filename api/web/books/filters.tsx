import { useEffect, useRef, useState } from 'preact/hooks'
import { useSearchParams } from '../lib/address.ts'
import { type Json, useAnswer } from '../lib/answer.ts'
import { count } from '../lib/format.ts'
import { State } from '../ui/ui.tsx'

export interface Filters {
  genre: string
  language_code: string
  from: string
  to: string
}

const names = ['genre', 'language_code', 'from', 'to'] as const

/** The filters that all charts share, which are in the address of the page; going back takes the last change back. */
export const useFilters = () => {
  const [search, setSearch] = useSearchParams()
  const filters = Object.fromEntries(names.map((name) => [name, search.get(name) ?? ''])) as unknown as Filters
  const set = (changed: Record<string, string>) =>
    setSearch((before) => {
      for (const [name, value] of Object.entries(changed)) value === '' ? before.delete(name) : before.set(name, value)
      return before
    })
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
  version: number
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
      <Month id="filter-from" label="From" value={filters.from} choose={(from) => set({ from })} />
      <Month id="filter-to" label="Before" value={filters.to} choose={(to) => set({ to })} />
      {isAny && (
        <button type="button" onClick={() => set({ genre: '', language_code: '', from: '', to: '' })}>
          Clear
        </button>
      )}
      {genres.error !== null ? <State answer={genres} /> : languages.error !== null && <State answer={languages} />}
    </form>
  )
}

/** As long as somebody may still be typing: the year 2024 is 2, 20 and 202 before it is itself. */
const TYPING_MS = 800

/** A field for a month, or for none. What is typed counts once it is whole, and nothing was typed for a moment. */
const Month = ({ id, label, value, choose }: { id: string; label: string; value: string; choose: (month: string) => void }) => {
  const [typed, setTyped] = useState(value)
  const timer = useRef<ReturnType<typeof setTimeout>>()
  useEffect(() => {
    setTyped(value)
    return () => clearTimeout(timer.current)
  }, [value])
  const take = (text: string) => {
    clearTimeout(timer.current)
    if (text !== value && (text === '' || /^[1-9]\d{3}-(0[1-9]|1[0-2])$/.test(text))) choose(text)
  }
  return (
    <label>
      {label}
      <input
        id={id}
        type="month"
        placeholder="YYYY-MM"
        pattern="\d{4}-(0[1-9]|1[0-2])"
        value={typed}
        onInput={(event) => {
          const text = event.currentTarget.value
          setTyped(text)
          clearTimeout(timer.current)
          timer.current = setTimeout(() => take(text), TYPING_MS)
        }}
        onBlur={(event) => take(event.currentTarget.value)}
        onKeyDown={(event) => event.key === 'Enter' && take(event.currentTarget.value)}
      />
    </label>
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
