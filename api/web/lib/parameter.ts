import { useSearchParams } from './address.ts'

/** One choice of a page, kept in its address beside the others; what is left at `fallback` does not stand there. */
export const useParameter = (name: string, fallback = ''): [string, (value: string) => void] => {
  const [given, setSearch] = useSearchParams()
  const set = (value: string) =>
    setSearch(
      (search) => {
        if (value === fallback) search.delete(name)
        else search.set(name, value)
        return search
      },
      { replace: true },
    )
  return [given.get(name) ?? fallback, set]
}
