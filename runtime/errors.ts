import { lineText } from './line-text.ts'

/**
 * The closed list of what can go wrong. `retriable` says whether trying the same thing again can help,
 * `needsPerson` that it can't help before a person has changed something; `hint` says what. Anything else that is thrown is a defect of ours.
 */
const codes = {
  config: { retriable: false, needsPerson: true },
  'missing-tool': { retriable: false, needsPerson: true },
  'port-taken': { retriable: false, needsPerson: true },
  'stack-failed': { retriable: false },
  'source-invalid': { retriable: false, needsPerson: true },
  'source-unavailable': { retriable: true },
  'source-refused': { retriable: false, needsPerson: true },
  'kafka-unavailable': { retriable: true },
  'kafka-invalid': { retriable: false },
  'kafka-fenced': { retriable: true },
  'kafka-corrupt': { retriable: false },
  'topic-changed': { retriable: false },
  'records-lost': { retriable: false, needsPerson: true },
  'registry-unavailable': { retriable: true },
  'schema-incompatible': { retriable: false, needsPerson: true },
  'lake-not-found': { retriable: false },
  'lake-conflict': { retriable: true },
  'lake-fenced': { retriable: false },
  'lake-invalid': { retriable: false },
  'lake-unavailable': { retriable: true },
  'build-failed': { retriable: true },
  'gold-held': { retriable: false },
  'gate-refused': { retriable: false },
  stopped: { retriable: false },
} as const satisfies Record<string, { retriable: boolean; needsPerson?: true }>

export type ErrorCode = keyof typeof codes

/** An expected failure: one clear message, a code from the closed list, and what a person can do about it. */
export class ReadflowError extends Error {
  readonly code: ErrorCode
  readonly hint: string | undefined

  constructor(code: ErrorCode, message: string, options: { hint?: string; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'ReadflowError'
    this.code = code
    this.hint = options.hint
  }
}

/** Whether doing the same again may succeed. Unknown errors are not retriable: they are defects. */
export const isRetriable = (error: unknown): boolean => error instanceof ReadflowError && codes[error.code].retriable

/** Whether starting again is of no use before a person has changed something. */
export const needsPerson = (error: unknown): boolean => error instanceof ReadflowError && 'needsPerson' in codes[error.code]

/** What helps where the system itself refuses what a program needs. Its messages name the path, except where a write fails. */
const systemHints: Readonly<Record<string, string>> = {
  ENOSPC: 'A disk is full: df -h shows which; free some space there, and try again.',
  EDQUOT: "This user's share of a disk is used up: free some space, and try again.",
  EROFS: 'The file system there is read-only.',
  EACCES: 'Give this user the right to it.',
  EMFILE: 'This program may not open that many files: raise ulimit -n.',
}

const systemHint = (error: unknown): string | undefined =>
  error instanceof Error && 'code' in error && 'syscall' in error ? systemHints[String(error.code)] : undefined

const MAX_TEXT = 400
/** A library's message may quote all that it was given. */
const shortened = (text: string): string => (text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT)}…` : text)

/** One line for a person: what is wrong, where, what to do. Never a stack trace. */
export const errorLine = (error: unknown): string => {
  const text = error instanceof Error ? error.message || error.name : String(error)
  const ours = error instanceof ReadflowError && error.hint ? ` ${error.hint}` : ''
  const system = systemHint(error)
  return lineText(`${shortened(text)}${ours}${system ? `. ${system}` : ''}`.replaceAll(/\s*\n\s*/g, ' '))
}
