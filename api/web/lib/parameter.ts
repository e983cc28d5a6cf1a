import { useSearchParams } from './address.ts'

/** One choice of a page, kept in its address beside the others; what is left at `fallback` does not stand there. */
export const useParameter = (name: string, fallback = ''): [string, (value: string) => void] => {
  const [search, setSearch] = useSearchParams()
  const set = (value: string) =>
    setSearch(
      (before) => {
        const next = new URLSearchParams(before)
        if (value === fallback) next.delete(name)
        else next.set(name, value)
        return next
      },
      { replace: true },
    )
  return [search.get(name) ?? fallback, set]
}
