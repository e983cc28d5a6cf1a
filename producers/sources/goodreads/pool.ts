/**
 * Runs tasks, `limit` at a time, and yields each result as it is there. `next` gives the next task that may start
 * now, or null; it is asked again after every result, which may have made more. `run` must not reject.
 */
export async function* runPool<Task, Result>({
  limit,
  next,
  run,
}: {
  limit: number
  next: () => Task | null
  run: (task: Task) => Promise<Result>
}): AsyncGenerator<Result> {
  const running = new Set<Promise<{ self: unknown; result: Result }>>()
  const start = (task: Task) => {
    const entry: Promise<{ self: unknown; result: Result }> = run(task).then((result) => ({ self: entry, result }))
    running.add(entry)
  }
  for (;;) {
    for (let task = running.size < limit ? next() : null; task !== null; task = running.size < limit ? next() : null) start(task)
    if (running.size === 0) return
    const { self, result } = await Promise.race(running)
    running.delete(self as never)
    yield result
  }
}
