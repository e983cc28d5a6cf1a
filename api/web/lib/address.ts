import { useMemo } from 'preact/hooks'
import { navigate, usePathname, useSearch } from 'wouter-preact/use-browser-location'

export type Parameters = Record<string, string> | URLSearchParams

const setSearchParams = (next: Parameters | ((before: URLSearchParams) => Parameters), options: { replace?: boolean } = {}): void => {
  const search = new URLSearchParams(typeof next === 'function' ? next(new URLSearchParams(location.search)) : next).toString()
  navigate(`${location.pathname}${search === '' ? '' : `?${search}`}`, options)
}

/**
 * The parameters in the page's address, and what changes them. Not wouter's own hook, which decodes twice: a query with
 * `LIKE '%dark%'` in it would come back as another.
 */
export const useSearchParams = (): [URLSearchParams, typeof setSearchParams] => {
  const search = useSearch()
  return [useMemo(() => new URLSearchParams(search), [search]), setSearchParams]
}

/** A part of the page's path by its place, from 1, decoded once; as it stands where it can't be. Empty where there is none. */
export const usePathPart = (place: number): string => {
  const part = usePathname().split('/')[place] ?? ''
  try {
    return decodeURIComponent(part)
  } catch {
    return part
  }
}
