import type { XmlElement } from './xml.ts'

const DAY_MS = 86_400_000
const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

/**
 * Text of an element, without the blanks around it. `nil="true"`, an empty element and an empty CDATA all mean
 * that there is no value: null.
 */
export const textOf = (element: XmlElement): string | null => {
  if (element.attributes['nil'] === 'true') return null
  return element.text.trim() || null
}

/** A whole number such as `-12`; null for anything else, or beyond what a double holds exactly. */
export const parseInteger = (text: string): number | null => {
  const value = /^[+-]?\d{1,16}$/.test(text) ? Number(text) : Number.NaN
  return Number.isSafeInteger(value) ? value : null
}

/** A decimal number such as `5` or `4.03`; null for anything else. */
export const parseDecimal = (text: string): number | null => (/^[+-]?\d{1,15}(?:\.\d{1,15})?$/.test(text) ? Number(text) : null)

/** `true` or `false`; null for anything else. */
export const parseBoolean = (text: string): boolean | null => (text === 'true' ? true : text === 'false' ? false : null)

/** Midnight UTC of a day of the (proleptic Gregorian) calendar, epoch ms; null where there is no such day. */
const midnightMs = (year: number, month: number, day: number): number | null => {
  // Date.UTC would read the years 0 to 99 as 1900 to 1999.
  const date = new Date(0)
  const ms = date.setUTCFullYear(year, month - 1, day)
  return date.getUTCMonth() === month - 1 && date.getUTCDate() === day ? ms : null
}

/** A time such as `Wed Feb 19 18:36:17 -0800 2020`, as epoch ms (UTC); null where it is another, or can not be. */
export const parseTime = (text: string): number | null => {
  const match = /^[A-Z][a-z]{2} ([A-Z][a-z]{2}) +(\d{1,2}) (\d{2}):(\d{2}):(\d{2}) ([+-])(\d{2})(\d{2}) (-?\d{1,6})$/.exec(text)
  if (!match) return null
  const [, monthName, day, hour, minute, second, sign, zoneHours, zoneMinutes, year] = match
  const midnight = midnightMs(Number(year), months.indexOf(monthName!) + 1, Number(day))
  // 60 is a leap second.
  if (midnight === null || Number(hour) > 23 || Number(minute) > 59 || Number(second) > 60 || Number(zoneMinutes) > 59) return null
  const zoneMs = (Number(zoneHours) * 60 + Number(zoneMinutes)) * 60_000 * (sign === '-' ? -1 : 1)
  return midnight + ((Number(hour) * 60 + Number(minute)) * 60 + Number(second)) * 1000 - zoneMs
}

/** A time as feeds have it, such as `Mon, 06 Mar 2017 12:02:40 -0800` (RFC 822), as epoch ms; null where it is another. */
export const parseRfc822 = (text: string): number | null => {
  const match = /^(?:([A-Z][a-z]{2}), )?(\d{1,2}) ([A-Z][a-z]{2}) (\d{4}) (\d{2}:\d{2}:\d{2}) ([+-]\d{4}|GMT|UTC?)$/.exec(text)
  if (!match) return null
  const [, weekday = 'Mon', day, month, year, clock, zone] = match
  return parseTime(`${weekday} ${month} ${day} ${clock} ${zone!.startsWith('+') || zone!.startsWith('-') ? zone : '+0000'} ${year}`)
}

/** A day such as `1954/06/06` or `-384/01/01`, as days since 1970-01-01; null where it is another, or can not be. */
export const parseDay = (text: string): number | null => {
  const match = /^(-?\d{1,6})[/-](\d{1,2})[/-](\d{1,2})$/.exec(text)
  const midnight = match ? midnightMs(Number(match[1]), Number(match[2]), Number(match[3])) : null
  return midnight === null ? null : midnight / DAY_MS
}

/** Counts of the ratings 1 to 5 from `5:1239|4:1077|3:484|2:92|1:28|total:2920`; null where one of them is missing. */
export const parseRatingDist = (text: string): { counts: readonly number[]; total: number | null } | null => {
  const parts = new Map(text.split('|').map((part) => part.split(':') as [string, string | undefined]))
  const counts = ['1', '2', '3', '4', '5'].map((stars) => parseInteger(parts.get(stars) ?? ''))
  return counts.includes(null) ? null : { counts: counts as number[], total: parseInteger(parts.get('total') ?? '') }
}
