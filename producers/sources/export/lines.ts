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
 * The lines of a text file in its encoding, as a stream. A fault names it by `label`. Throws ReadflowError `source-invalid` where it
 * can not be read, or has a line without an end.
 */
export async function* linesOf(
  file: string,
  { label = file, encoding = 'utf-8' }: { label?: string; encoding?: Encoding } = {},
): AsyncGenerator<Line> {
  const decoder = new TextDecoder(encoding)
  let rest = ''
  let number = 0
  try {
    for await (const chunk of createReadStream(file) as AsyncIterable<Buffer>) {
      const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n')
      rest = lines.pop() ?? ''
      if (rest.length > MAX_LINE_CHARS) throw tooLong(label, number + lines.length + 1)
      for (const text of lines) yield { number: ++number, text: withoutReturn(text) }
    }
  } catch (cause) {
    throw unreadable(cause, file, label)
  }
  rest += decoder.decode()
  if (rest !== '') yield { number: number + 1, text: withoutReturn(rest) }
}

export type Encoding = 'utf-8' | 'utf-16le' | 'utf-16be' | 'windows-1252'

/**
 * The encoding of a file: UTF-16 where a byte order mark says so (spreadsheets save that as "Unicode text"), UTF-8 where all of it
 * is that, else the one in which spreadsheets save for old readers. Throws ReadflowError `source-invalid` where it can not be read.
 */
export const encodingOfFile = async (file: string, label = file): Promise<Encoding> => {
  const decoder = new TextDecoder('utf-8', { fatal: true })
  let isFirst = true
  try {
    for await (const chunk of createReadStream(file) as AsyncIterable<Buffer>) {
      if (isFirst && chunk[0] === 0xff && chunk[1] === 0xfe) return 'utf-16le'
      if (isFirst && chunk[0] === 0xfe && chunk[1] === 0xff) return 'utf-16be'
      isFirst = false
      decoder.decode(chunk, { stream: true })
    }
    decoder.decode()
    return 'utf-8'
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ERR_ENCODING_INVALID_ENCODED_DATA') return 'windows-1252'
    throw unreadable(cause, file, label)
  }
}

const unreadable = (cause: unknown, file: string, label: string) =>
  cause instanceof ReadflowError
    ? cause
    : new ReadflowError(
        'source-invalid',
        `${label} can not be read: ${cause instanceof Error ? cause.message.replaceAll(file, label) : cause}.`,
        { cause },
      )

const withoutReturn = (text: string) => (text.endsWith('\r') ? text.slice(0, -1) : text)

const tooLong = (label: string, line: number) =>
  new ReadflowError('source-invalid', `${label}: line ${line} has more than ${MAX_LINE_CHARS} characters.`, {
    hint: 'Is it the CSV file that GoodReads gives at My Books → Import and export?',
  })
