/** Check digit of an ISBN-10's first nine digits; X stands for ten. */
export const isbn10CheckDigit = (nine: string): string => {
  let sum = 0
  for (let i = 0; i < 9; i++) sum += (10 - i) * Number(nine[i])
  const digit = (11 - (sum % 11)) % 11
  return digit === 10 ? 'X' : String(digit)
}

/** Check digit of an ISBN-13's first twelve digits. */
export const isbn13CheckDigit = (twelve: string): string => {
  let sum = 0
  for (let i = 0; i < 12; i++) sum += (i % 2 === 0 ? 1 : 3) * Number(twelve[i])
  return String((10 - (sum % 10)) % 10)
}

/** A valid pair of ISBNs: a registration group (`0`, `84`, …) and a number that is unique in it. */
export const isbnPair = (group: string, unique: number): { isbn: string; isbn13: string } => {
  const digits = 9 - group.length
  // 7919 has no factor in common with 10, so neighbours scatter and none collide.
  const nine = group + String((unique * 7919) % 10 ** digits).padStart(digits, '0')
  return { isbn: nine + isbn10CheckDigit(nine), isbn13: `978${nine}${isbn13CheckDigit(`978${nine}`)}` }
}
