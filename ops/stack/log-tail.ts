import { closeSync, fstatSync, openSync, readSync } from 'node:fs'

const TAIL_BYTES = 16 * 1024
const MAX_CHARS = 300

/** The line of a log that says most: its last error, else its last line that is no part of a stack trace. */
export const tellingLine = (text: string): string | null => {
  const lines = text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line && !/^(at |\.\.\. \d+ more|\t)/.test(line))
  const line = lines.findLast((each) => /\b(ERROR|FATAL|Exception|Error)\b|Caused by/.test(each)) ?? lines.at(-1)
  return line ? line.slice(0, MAX_CHARS).replace(/\.$/, '') : null
}

/** The same of a file's end; null where there is none. */
export const lastLine = (file: string): string | null => {
  let fd: number
  try {
    fd = openSync(file, 'r')
  } catch {
    return null // not written yet
  }
  try {
    const { size } = fstatSync(fd)
    const buffer = Buffer.alloc(Math.min(size, TAIL_BYTES))
    readSync(fd, buffer, 0, buffer.length, size - buffer.length)
    return tellingLine(buffer.toString('utf8'))
  } finally {
    closeSync(fd)
  }
}
