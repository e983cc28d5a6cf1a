/** Shows how far long work is on one line of a terminal, again and again; '' takes it away. Nothing where nobody looks. */
export const progressLine = (stream: NodeJS.WriteStream = process.stderr): ((text: string) => void) =>
  stream.isTTY ? (text) => void stream.write(`\r\x1b[K${text}`) : () => {}
