import type { Config } from '../runtime/config/config.ts'
import { ReadflowError } from '../runtime/errors.ts'
import type { Log } from '../runtime/log.ts'
import { startSandbox } from './sandbox/server.ts'
import { openDataset } from './sources/dataset/dataset.ts'
import { openExport } from './sources/export/export.ts'
import { createGoodreadsClient } from './sources/goodreads/client.ts'
import { openGoodreadsSource } from './sources/goodreads/source.ts'
import { openFeed } from './sources/rss/feed.ts'
import type { Source } from './sources/source.ts'
import type { SourceMetrics } from './sources/source-metrics.ts'
import { openSynthetic, parseSynthetic } from './sources/synthetic.ts'

const SANDBOX_SEED = 1
const [LEAST_REVIEWS, MOST_REVIEWS] = [1000, 1_000_000]
const SANDBOX_INTERVAL_MS = 10_000
const GOODREADS_INTERVAL_MS = 600_000
const GOODREADS_MIN_INTERVAL_MS = 1000

export interface SourceContext {
  config: Pick<Config, 'goodreadsApiKey' | 'goodreadsUserIds' | 'requestTimeoutMs'>
  /** When the sandbox's live time began; its history lies before. Kept, so that a restart finds the same catalogue. */
  sandboxStartMs: () => Promise<number>
  metrics?: SourceMetrics
  log: Log
}

type Open = (rest: string, context: SourceContext) => Promise<Source>

const openSandbox: Open = async (rest, { config, sandboxStartMs, metrics, log }) => {
  const [all, seedText = SANDBOX_SEED, reviews] = /^(?:(?:seed=)?(\d+)(?:,(?=r)|$))?(?:reviews=(\d+))?$/.exec(rest) ?? []
  const [seed, startReviews] = [Number(seedText), reviews === undefined ? undefined : Number(reviews)]
  if (
    all === undefined ||
    !Number.isSafeInteger(seed) ||
    (startReviews !== undefined && (startReviews < LEAST_REVIEWS || startReviews > MOST_REVIEWS))
  )
    throw new ReadflowError('config', `--source sandbox:${rest} is not understood.`, {
      hint: `Write it as sandbox:, sandbox:seed=2 or sandbox:seed=2,reviews=4000, of ${LEAST_REVIEWS} to ${MOST_REVIEWS} reviews.`,
    })
  const server = await startSandbox({ seed, startReviews, startMs: await sandboxStartMs(), nowMs: Date.now, host: '127.0.0.1', log })
  const client = createGoodreadsClient({ baseUrl: server.url, requestTimeoutMs: config.requestTimeoutMs, minIntervalMs: 0, metrics, log })
  const source = openGoodreadsSource({
    name: 'sandbox',
    id: `sandbox:seed=${seed}${startReviews === undefined ? '' : `,reviews=${startReviews}`}`,
    isGenerated: true,
    pollIntervalMs: SANDBOX_INTERVAL_MS,
    client,
    userIds: server.userIds,
  })
  return {
    ...source,
    close: async () => {
      await source.close()
      await server.close()
    },
  }
}

const openGoodreads: Open = async (rest, { config, metrics, log }) => {
  if (!URL.canParse(rest) || !/^https?:/.test(rest)) {
    throw new ReadflowError('config', `--source goodreads-api:${rest} is not a URL.`, {
      hint: 'Write it as goodreads-api:https://www.goodreads.com.',
    })
  }
  const client = createGoodreadsClient({
    baseUrl: rest,
    apiKey: config.goodreadsApiKey,
    requestTimeoutMs: config.requestTimeoutMs,
    minIntervalMs: GOODREADS_MIN_INTERVAL_MS,
    metrics,
    log,
  })
  return openGoodreadsSource({
    name: 'goodreads-api',
    id: `goodreads-api:${new URL(rest).origin}`,
    isGenerated: false,
    pollIntervalMs: GOODREADS_INTERVAL_MS,
    client,
    userIds: config.goodreadsUserIds ?? [],
  })
}

/** `FILE?user=NAME`; a file whose own name has such an end is not taken apart. */
const openExportFile: Open = (rest) => {
  const [, file = rest, user] = /^(.*)\?user=([^?]*)$/s.exec(rest) ?? []
  return openExport({ file, user: user === undefined ? undefined : decodeUser(user) })
}

const decodeUser = (text: string) => {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

const sources: Record<string, Open> = {
  sandbox: openSandbox,
  'goodreads-api': openGoodreads,
  'goodreads-export': openExportFile,
  'goodreads-rss': async (rest, { config, metrics, log }) =>
    openFeed({ address: rest, requestTimeoutMs: config.requestTimeoutMs, metrics, log }),
  dataset: (rest) => openDataset(rest),
  synthetic: async (rest) => openSynthetic(parseSynthetic(rest)),
}

/** Opens the source that a URI names. Throws ReadflowError `config` or `source-invalid`. */
export const openSource = async (uri: string, context: SourceContext): Promise<Source> => {
  const at = uri.indexOf(':')
  const open = at < 0 ? undefined : sources[uri.slice(0, at)]
  if (!open)
    throw new ReadflowError('config', `--source: '${uri}' names no source.`, {
      hint: 'Choose sandbox:, goodreads-api:URL, goodreads-export:FILE, goodreads-rss:USER?shelf=read, dataset:DIR or synthetic:ratings=N,seed=N.',
    })
  return open(uri.slice(at + 1), context)
}
