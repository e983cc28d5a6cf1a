/** A size for people: `12.3 MB`. */
export const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(bytes < 1e7 ? 2 : 0)} MB`

/** Shows how far long work is on one line of a terminal, again and again; '' takes it away. Nothing where nobody looks. */
export const progressLine = (stream: NodeJS.WriteStream = process.stderr): ((text: string) => void) =>
  stream.isTTY ? (text) => void stream.write(`\r\x1b[K${text}`) : () => {}
