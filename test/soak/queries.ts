import { readRunFile } from '../../runtime/run-file.ts'
import type { Checked } from './compare.ts'

const EVERY_MS = 1000
const TIMEOUT_MS = 20_000
const PATHS = ['/v1/status', '/v1/books?limit=5', '/v1/charts/ratings-over-time?by=genre&bucket=quarter']

/**
 * A reader of the API, once a second where it is then: an answer is right, or a 503 that says that something is away; the
 * Gold version that it names never goes back. No connection is no answer: the program may be killed.
 */
export const startQueries = (dataDir: string) => {
  const faults: string[] = []
  const counts = { answered: 0, away: 0, silent: 0 }
  let newest = 0
  let isStopped = false
  const ask = async (path: string) => {
    const url = readRunFile(dataDir)?.apiUrl
    if (!url) return void counts.silent++
    try {
      const response = await fetch(`${url}${path}`, { signal: AbortSignal.timeout(TIMEOUT_MS) })
      const text = await response.text()
      if (response.status === 503) return void counts.away++
      if (!response.ok) return void faults.push(`${path}: ${response.status} ${text.slice(0, 200)}`)
      counts.answered++
      const version = path === '/v1/status' ? Number.NaN : (JSON.parse(text) as { version: number }).version
      if (version < newest) faults.push(`${path}: Gold version ${version} after ${newest}`)
      if (version > newest) newest = version
    } catch {
      counts.silent++ // killed, paused, or not there yet
    }
  }
  const run = async () => {
    for (let turn = 0; !isStopped; turn++) {
      await ask(PATHS[turn % PATHS.length]!)
      await new Promise((resolve) => setTimeout(resolve, EVERY_MS))
    }
  }
  const finished = run()
  return {
    stop: async (): Promise<Checked> => {
      isStopped = true
      await finished
      if (counts.answered === 0) faults.push('it never answered')
      const what = `API: answers are right (${counts.away} said what is away, ${counts.silent} times it was not there)`
      return { what, count: counts.answered, faults: [...new Set(faults)].slice(0, 5) }
    },
  }
}
