import { foldedSql } from '../gold/derived.ts'

/** Scripts that put no space between words. */
const UNSPACED = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}]/u
export const MAX_TERMS = 12

/** The words of a search; signs alone are none. */
export const termsOf = (q: string): string[] => q.split(/\s+/).filter((term) => /[\p{L}\p{N}]/u.test(term))

/**
 * Full-text search in `listed_books`, there as `alias`: each term must begin a word of a title or author, or an ISBN, whatever its case,
 * accents and punctuation; the order of terms does not count. Gives conditions with their parameters.
 */
export const searchConditions = (alias: string, q: string): { conditions: string[]; params: Record<string, string> } => {
  const terms = termsOf(q)
  if (terms.length === 0) return { conditions: ['false'], params: {} }
  return {
    conditions: terms.map(
      (term, index) => `contains(${alias}.words, ${UNSPACED.test(term) ? 'trim' : 'rtrim'}(${foldedSql(`$q_${index}`)}))`,
    ),
    params: Object.fromEntries(terms.map((term, index) => [`q_${index}`, term])),
  }
}

/** How well a title fits `$order_q`, best first: it is that, begins with it, or has it. */
export const relevanceSql = (alias: string): string => {
  const wanted = foldedSql('$order_q')
  return `CASE WHEN ${alias}.title_words = ${wanted} THEN 0 WHEN starts_with(${alias}.title_words, ${wanted}) THEN 1
    WHEN contains(${alias}.title_words, ${wanted}) THEN 2 ELSE 3 END`
}
