import type { Position, SourceDeletion } from '../source.ts'

export interface ExportPosition {
  /** Which file was read, and up to which row; 0 once it was whole. */
  file: string
  row: number
  /** Books that the last whole read had, and those of them that were rated. */
  books: readonly string[]
  rated: readonly string[]
  /** The same of the read that was broken off at `row`. */
  soFar?: { books: readonly string[]; rated: readonly string[] }
}

/** Where a read of a file begins; `version` names the file as it is now. */
export const startOf = (position: Position | null, version: string): ExportPosition => {
  const { file, row, books, rated, soFar } = (position ?? {}) as Partial<ExportPosition>
  const last = { books: books ?? [], rated: rated ?? [] }
  // A read that was broken off goes on after its row, unless the file is another by now.
  return file === version && typeof row === 'number' && row > 0
    ? { file, row, ...last, ...(soFar ? { soFar } : {}) }
    : { file: version, row: 0, ...last }
}

/** What the last whole read had and this one has not: of a book that is gone its review and rating go, of one that is rated no more its rating. */
export const goneSince = (
  userId: string,
  last: Pick<ExportPosition, 'books' | 'rated'>,
  books: ReadonlySet<string>,
  rated: ReadonlySet<string>,
): SourceDeletion[] => [
  ...last.books.filter((id) => !books.has(id)).map((id) => ({ entity: 'reviews' as const, key: `${userId}:${id}` })),
  ...last.rated.filter((id) => !rated.has(id)).map((id) => ({ entity: 'ratings' as const, key: `${userId}:${id}` })),
]
