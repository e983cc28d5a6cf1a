/**
 * What a terminal obeys instead of showing it, or what breaks a line: control characters (C1 too), line and paragraph
 * separators, and those that turn the direction of text around.
 */
const UNSAFE = /[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu

/** Makes text of others safe for a line of a terminal: what a terminal would obey is shown as \x1b or \u202e. Pure. */
export const lineText = (text: string): string =>
  text.replaceAll(UNSAFE, (char) => {
    const code = char.charCodeAt(0)
    return code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u${code.toString(16)}`
  })

/** A key for a line of a terminal: an empty one is seen as "". Pure. */
export const keyText = (key: string | null, none: string): string => (key === null ? none : key === '' ? '""' : lineText(key))
