/** How such a time is written. */
export const isoTimePattern = /^(\d{4})-(\d{2})-(\d{2})(?:[Tt ](\d{2}):(\d{2})(?::(\d{2})(?:\.(\d{1,9}))?)?([Zz]|[+-]\d{2}:?\d{2})?)?$/

/**
 * A time in ISO 8601 as epoch milliseconds: a day (its beginning), or a day and a time, with `T` or a space between. Without a zone
 * it is UTC, wherever the machine stands. Null for anything else, and for days and times that there are not.
 */
export const parseIsoTime = (text: string): number | null => {
  const [, year, month, day, hour = '00', minute = '00', second = '00', fraction = '', zone = 'Z'] = isoTimePattern.exec(text.trim()) ?? []
  if (year === undefined) return null
  const plain = `${year}-${month}-${day}T${hour}:${minute}:${second}.${fraction.slice(0, 3).padEnd(3, '0')}Z`
  const utcMs = Date.parse(plain)
  // What is no day of the month is taken for one of the next, and 24:00 for midnight: neither is what was written.
  if (Number.isNaN(utcMs) || new Date(utcMs).toISOString() !== plain) return null
  const offsetMinutes = minutesOf(zone)
  return offsetMinutes === null ? null : utcMs - offsetMinutes * 60_000
}

const minutesOf = (zone: string): number | null => {
  if (/^z$/i.test(zone)) return 0
  const [hours, minutes] = [Number(zone.slice(1, 3)), Number(zone.slice(-2))]
  return hours > 23 || minutes > 59 ? null : (zone.startsWith('-') ? -1 : 1) * (hours * 60 + minutes)
}
