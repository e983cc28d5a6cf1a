// @ts-check
const numbers = new Intl.NumberFormat()
const averages = new Intl.NumberFormat(undefined, { minimumFractionDigits: 2, maximumFractionDigits: 2 })
const short = new Intl.NumberFormat(undefined, { maximumFractionDigits: 1 })
const figures = new Intl.NumberFormat(undefined, { maximumFractionDigits: 4 })
const shares = new Intl.NumberFormat(undefined, { style: 'percent', maximumFractionDigits: 1 })
const months = new Intl.DateTimeFormat(undefined, { month: 'short', year: 'numeric', timeZone: 'UTC' })
const clock = new Intl.DateTimeFormat(undefined, { timeStyle: 'medium' })
const relative = new Intl.RelativeTimeFormat(undefined, { numeric: 'always', style: 'short' })

/** @param {number | null | undefined} value */
export const count = (value) => (value === null || value === undefined ? '–' : numbers.format(value))

/** @param {number | null | undefined} value */
export const average = (value) => (value === null || value === undefined ? '–' : averages.format(value))

/** A number that may be a share. @param {number | null} value */
export const figure = (value) => (value === null ? '–' : figures.format(value))

/** @param {number | null} share */
export const percent = (share) => (share === null ? '–' : shares.format(share))

/** @param {number} bytes */
export const size = (bytes) => {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB']
  const power = bytes < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(bytes) / 10))
  return `${short.format(bytes / 1024 ** power)} ${units[power]}`
}

/** `2026-11` as the reader writes a month. @param {string} yearMonth */
export const month = (yearMonth) => months.format(new Date(`${yearMonth}-01T00:00:00Z`))

/** @param {string | number | Date} time */
export const timeOfDay = (time) => clock.format(new Date(time))

/** Such as `1.4 s` or `340 ms`. @param {number} ms */
export const duration = (ms) => (ms < 1000 ? `${numbers.format(ms)} ms` : `${short.format(ms / 1000)} s`)

/** Such as `4 sec. ago`. @param {number} seconds */
export const ago = (seconds) => {
  if (seconds < 90) return relative.format(-Math.round(seconds), 'second')
  if (seconds < 90 * 60) return relative.format(-Math.round(seconds / 60), 'minute')
  if (seconds < 36 * 3600) return relative.format(-Math.round(seconds / 3600), 'hour')
  return relative.format(-Math.round(seconds / 86_400), 'day')
}
