/** Whether DuckDB had not the memory for what was asked, at that moment. */
export const isOutOfMemory = (error: unknown): boolean => error instanceof Error && error.message.startsWith('Out of Memory Error')

/** From the beginning of a message: what somebody asked may stand anywhere in it. */
const damages = [
  // Thrift's own words reach us as they are, without a name.
  /^(\w+ Error: )?TProtocolException/,
  /^Invalid Error: (don't know what type|Out of buffer)/,
  /^(Invalid Input|Invalid|IO) Error: (\w+ )?[Dd]ecompression failure/,
  /^(Invalid Input|Invalid|IO) Error: (No magic bytes found|File '[^']*' too small to be a Parquet|([^"'\n]* )?[Ff]ooter length)/,
  /^(Invalid Input|Invalid|IO) Error: (Failed to read file "|Invalid string encoding found in Parquet file ")/,
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
