import { createReadStream } from 'node:fs'
import { ReadflowError } from '../../../runtime/errors.ts'

/** A review has at most 20,000 characters; a line of more than this is no line of an export. */
const MAX_LINE_CHARS = 1024 * 1024

export interface Line {
  /** From 1. */
  number: number
  /** Without its line end (LF, CRLF). */
  text: string
}

/**
 * The lines of a text file, as a stream: UTF-8, or UTF-16 where a byte order mark says so (spreadsheets save that as
 * "Unicode text"). A fault names it by `label`. Throws ReadflowError `source-invalid` where it can not be read, or has a line without an end.
 */
export async function* linesOf(file: string, label = file): AsyncGenerator<Line> {
  let decoder: InstanceType<typeof TextDecoder> | null = null
  let rest = ''
  let number = 0
  try {
    for await (const chunk of createReadStream(file) as AsyncIterable<Buffer>) {
      decoder ??= new TextDecoder(encodingOf(chunk))
      const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n')
      rest = lines.pop() ?? ''
      if (rest.length > MAX_LINE_CHARS) throw tooLong(label, number + lines.length + 1)
      for (const text of lines) yield { number: ++number, text: withoutReturn(text) }
    }
  } catch (cause) {
    if (cause instanceof ReadflowError) throw cause
    throw new ReadflowError(
      'source-invalid',
      `${label} can not be read: ${cause instanceof Error ? cause.message.replaceAll(file, label) : cause}.`,
      { cause },
    )
  }
  rest += decoder?.decode() ?? ''
  if (rest !== '') yield { number: number + 1, text: withoutReturn(rest) }
}

const encodingOf = (start: Uint8Array) => {
  if (start[0] === 0xff && start[1] === 0xfe) return 'utf-16le'
  return start[0] === 0xfe && start[1] === 0xff ? 'utf-16be' : 'utf-8'
}

const withoutReturn = (text: string) => (text.endsWith('\r') ? text.slice(0, -1) : text)

const tooLong = (label: string, line: number) =>
  new ReadflowError('source-invalid', `${label}: line ${line} has more than ${MAX_LINE_CHARS} characters.`, {
    hint: 'Is it the CSV file that GoodReads gives at My Books → Import and export?',
  })
