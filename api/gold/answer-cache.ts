/** Answers by their question, each made once, also for callers at the same time. */
export interface AnswerCache {
  /** The answer to a question, made by `compute` where it is not kept. A failure is for those who asked, not for those who ask next. */
  answer: <T>(question: string, compute: () => Promise<T>) => Promise<T>
  /** The questions that were asked most, of those that are wanted, most asked first. */
  popular: (count: number, isWanted: (question: string) => boolean) => string[]
}

const MAX_ANSWERS = 500
/** Text that is larger than this is made again: few large answers would take the place of many small ones. */
const MAX_TEXT_BYTES = 512 * 1024
const MAX_BYTES = 32 * 1024 ** 2

/** Keeps what was asked last, bounded in number and, as far as answers are text, in bytes. `onAsked` hears whether it was kept. */
export const createAnswerCache = (onAsked: (isHit: boolean) => void = () => undefined): AnswerCache => {
  const kept = new Map<string, { answer: Promise<unknown>; bytes: number; asked: number }>()
  let totalBytes = 0
  const forget = (question: string) => {
    totalBytes -= kept.get(question)?.bytes ?? 0
    kept.delete(question)
  }
  const makeRoom = () => {
    // Least recently asked first: a map keeps the order in which keys were set.
    for (const question of kept.keys()) {
      if (kept.size <= MAX_ANSWERS && totalBytes <= MAX_BYTES) break
      forget(question)
    }
  }

  const answer: AnswerCache['answer'] = <T>(question: string, compute: () => Promise<T>) => {
    const known = kept.get(question)
    onAsked(known !== undefined)
    if (known) {
      known.asked++
      kept.delete(question)
      kept.set(question, known)
      return known.answer as Promise<T>
    }
    const made = compute()
    const entry = { answer: made as Promise<unknown>, bytes: 0, asked: 1 }
    kept.set(question, entry)
    makeRoom()
    made.then(
      (value) => {
        if (kept.get(question) !== entry) return
        entry.bytes = typeof value === 'string' ? value.length : 0
        totalBytes += entry.bytes
        if (entry.bytes > MAX_TEXT_BYTES) forget(question)
        else makeRoom()
      },
      () => kept.get(question) === entry && forget(question),
    )
    return made
  }
  const popular: AnswerCache['popular'] = (count, isWanted) =>
    [...kept.entries()]
      .filter(([question]) => isWanted(question))
      .sort(([, a], [, b]) => b.asked - a.asked)
      .slice(0, count)
      .map(([question]) => question)
  return { answer, popular }
}
