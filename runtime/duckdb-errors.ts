/** Whether DuckDB had not the memory for what was asked, at that moment. */
export const isOutOfMemory = (error: unknown): boolean => error instanceof Error && error.message.startsWith('Out of Memory Error')

const damages = [
  // Thrift's own words reach us as they are, without a name.
  /TProtocolException/,
  /^Invalid Error: don't know what type/,
  /[Dd]ecompression failure/,
  /No magic bytes|[Ff]ooter|too small to be a Parquet/,
  /Failed to read file/,
]

/**
 * What DuckDB's message says of a Parquet file that is gone or damaged, in a line that names it by its path in the lake where the
 * message does; null for a message of another kind.
 */
export const damagedFile = (message: string): string | null => {
  const [, file] = /"[^"]*?((?:bronze|silver|gold|ops)\/[^"]*\.parquet)"/.exec(message) ?? []
  const name = file ? ` ${file}` : ''
  if (/^IO Error: No files found that match the pattern/.test(message)) return `the data file${name} is not there`
  const isDamage = damages.some((damage) => damage.test(message))
  return isDamage ? `a data file${name} is damaged` : null
}
