const numbers = new Intl.NumberFormat()
const averages = new Intl.NumberFormat(undefined, { minimumFractionDigits: 2, maximumFractionDigits: 2 })
const short = new Intl.NumberFormat(undefined, { maximumFractionDigits: 1 })
const figures = new Intl.NumberFormat(undefined, { maximumFractionDigits: 4 })
const exacts = new Intl.NumberFormat(undefined, { maximumSignificantDigits: 17 })
const shares = new Intl.NumberFormat(undefined, { style: 'percent', maximumFractionDigits: 1 })
const months = new Intl.DateTimeFormat(undefined, { month: 'short', year: 'numeric', timeZone: 'UTC' })
const days = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeZone: 'UTC' })
const clock = new Intl.DateTimeFormat(undefined, { timeStyle: 'medium' })
const moments = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' })
const relative = new Intl.RelativeTimeFormat(undefined, { numeric: 'always', style: 'short' })

type Maybe = number | null | undefined

export const count = (value: Maybe) => (value == null ? '–' : numbers.format(value))
/** Such as `1 book`, `20 books`. */
export const counted = (value: number, noun: string) => `${count(value)} ${noun}${value === 1 ? '' : 's'}`
export const average = (value: Maybe) => (value == null ? '–' : averages.format(value))
/** A number that may be a share. */
export const figure = (value: Maybe) => (value == null ? '–' : figures.format(value))
/** A number with all the digits that it has. */
export const exact = (value: number) => exacts.format(value)
export const percent = (share: Maybe) => (share == null ? '–' : shares.format(share))

export const size = (bytes: number) => {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB']
  const power = bytes < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(bytes) / 10))
  return `${short.format(bytes / 1024 ** power)} ${units[power]}`
}

/** `2026-11`, `2026-Q4`, `2026` or `2026-11-24` as the reader writes it. */
export const period = (text: string) =>
  /^\d{4}-\d{2}$/.test(text)
    ? months.format(new Date(`${text}-01T00:00:00Z`))
    : /^\d{4}-\d{2}-\d{2}$/.test(text)
      ? days.format(new Date(text))
      : text

export const timeOfDay = (time: string | number) => clock.format(new Date(time))
export const moment = (time: string) => moments.format(new Date(time))

/** Such as `1.4 s` or `340 ms`. */
export const duration = (ms: number) => (ms < 1000 ? `${numbers.format(ms)} ms` : `${short.format(ms / 1000)} s`)

/** Such as `4 sec. ago`; of what is to come `in 4 sec.`, as less than nothing. */
export const ago = (seconds: number) => {
  const distance = Math.abs(seconds)
  if (distance < 90) return relative.format(-Math.round(seconds), 'second')
  if (distance < 90 * 60) return relative.format(-Math.round(seconds / 60), 'minute')
  if (distance < 36 * 3600) return relative.format(-Math.round(seconds / 3600), 'hour')
  return relative.format(-Math.round(seconds / 86_400), 'day')
}

export const capital = (word: string) => word.slice(0, 1).toUpperCase() + word.slice(1)
