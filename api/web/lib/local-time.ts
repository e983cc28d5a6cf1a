/** A time (ISO 8601) as a field for date and time has it, in the reader's zone; empty where it is none. */
export const localTime = (text: string | undefined): string => {
  const time = new Date(text ?? '')
  if (Number.isNaN(time.getTime())) return ''
  return new Date(time.getTime() - time.getTimezoneOffset() * 60_000).toISOString().slice(0, 19)
}

/** What such a field has as ISO 8601 in UTC; empty where nothing is chosen. */
export const utcTime = (field: string): string => {
  const time = new Date(field)
  return Number.isNaN(time.getTime()) ? '' : time.toISOString()
}
