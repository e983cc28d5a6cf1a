import type { Finding } from './check.ts'

/** Check digits by ISO 2108: ISBN-10 weighs its digits 10 to 1 modulo 11, ISBN-13 1 and 3 in turn modulo 10. */
const isbn10Check = (nine: string): string => {
  const sum = Array.from(nine).reduce((total, digit, index) => total + Number(digit) * (10 - index), 0)
  const check = (11 - (sum % 11)) % 11
  return check === 10 ? 'X' : String(check)
}

const isbn13Check = (twelve: string): string => {
  const sum = Array.from(twelve).reduce((total, digit, index) => total + Number(digit) * (index % 2 === 0 ? 1 : 3), 0)
  return String((10 - (sum % 10)) % 10)
}

export const isIsbn10 = (text: string): boolean => /^\d{9}[\dX]$/.test(text) && isbn10Check(text.slice(0, 9)) === text[9]
export const isIsbn13 = (text: string): boolean => /^97[89]\d{10}$/.test(text) && isbn13Check(text.slice(0, 12)) === text[12]
const isbn13Of = (isbn10: string): string => `978${isbn10.slice(0, 9)}${isbn13Check(`978${isbn10.slice(0, 9)}`)}`

// Fewer digits than this are no ISBN that lost its zeros.
const MIN_DIGITS = 6

export interface Isbns {
  isbn: string | null
  isbn13: string | null
  /** What had to be done; null where the number is as it was delivered. */
  isbnFinding: Finding | null
  isbn13Finding: Finding | null
}

const compact = (text: string | null) => (text ?? '').replace(/[\s‐-―-]/g, '').toUpperCase()

const repairIsbn10 = (given: string): string | null => {
  if (isIsbn10(given)) return given
  const padded = given.length >= MIN_DIGITS && given.length < 10 ? given.padStart(10, '0') : given
  return isIsbn10(padded) ? padded : null
}

/**
 * Repairs the ISBNs of a book: zeros that a spreadsheet ate are put back, an ISBN-13 that is broken or
 * missing is computed from the ISBN-10, what can't be saved is null. The findings say what was done; a
 * broken ISBN never costs the book.
 */
export const repairIsbns = (rawIsbn: string | null, rawIsbn13: string | null): Isbns => {
  const given = compact(rawIsbn)
  const given13 = compact(rawIsbn13)
  const isbn = given === '' || isIsbn13(given) ? null : repairIsbn10(given)
  const isbnFinding = isbn !== null && isbn !== given ? 'repaired' : isbn === null && given !== '' && !isIsbn13(given) ? 'broken' : null

  const delivered13 = [given13, given].find(isIsbn13) ?? null
  const isbn13 = delivered13 ?? (isbn === null ? null : isbn13Of(isbn))
  const isbn13Finding = given13 === '' || isIsbn13(given13) ? null : isbn13 === null ? 'broken' : 'repaired'
  return { isbn, isbn13, isbnFinding, isbn13Finding }
}
