import { closeSync, fstatSync, openSync, readSync } from 'node:fs'

const TAIL_BYTES = 16 * 1024
const MAX_CHARS = 300

const isError = (line: string) => /\b(ERROR|FATAL)\b|Exception\b|\bError:|Caused by/.test(line)
const short = (line: string | undefined) => (line ? line.slice(0, MAX_CHARS).replace(/\.$/, '') : null)
const linesOf = (text: string) =>
  text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line && !/^(at |\.\.\. \d+ more)/.test(line))

/** The last error in a log; null where there is none. */
export const errorLineOf = (text: string): string | null => short(linesOf(text).findLast(isError))

/** The line of a log that says most: its last error, else its last line that is no part of a stack trace. */
export const tellingLine = (text: string): string | null => errorLineOf(text) ?? short(linesOf(text).at(-1))

/** The end of a log since a byte (where the lines of this run begin); empty where there is no such file. */
export const readTail = (file: string, fromByte: number): string => {
  let fd: number
  try {
    fd = openSync(file, 'r')
  } catch {
    return '' // not written yet
  }
  try {
    const { size } = fstatSync(fd)
    const start = Math.max(fromByte, size - TAIL_BYTES)
    const buffer = Buffer.alloc(Math.max(0, size - start))
    readSync(fd, buffer, 0, buffer.length, start)
    return buffer.toString('utf8')
  } finally {
    closeSync(fd)
  }
}
