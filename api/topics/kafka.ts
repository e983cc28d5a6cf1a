import { errorLine } from '../../runtime/errors.ts'
import { type BrowsedTopic, type KafkaBrowser, openBrowser } from '../../runtime/kafka/second/browser.ts'
import { openRegistry, type Registry } from '../../runtime/registry.ts'
import { Problem } from '../http/problem.ts'
import { createDecoder, type DecodeRecord } from './decode.ts'

export interface TopicsKafka {
  /** Does work on the cluster. Throws a 503 with one line where no broker is known, or none answers within some seconds. */
  use: <T>(work: (browser: KafkaBrowser) => Promise<T>, options?: { timeoutMs?: number }) => Promise<T>
  decode: DecodeRecord
  /** The registry; null where none is known. */
  registry: () => Registry | null
  close: () => Promise<void>
}

const TIMEOUT_MS = 8000
const away = (why: string) =>
  new Problem(503, `Kafka can not be asked: ${why} Try again in some seconds; /readyz says what is missing.`, {
    headers: { 'Retry-After': '5' },
  })

/** The cluster as routes look into it: connected when it is asked for, and anew after a fault. */
export const openTopicsKafka = (options: { brokers: () => readonly string[] | null; registryUrl: () => string | null }): TopicsKafka => {
  let opened: { key: string; browser: Promise<KafkaBrowser> } | undefined
  let registry: { url: string; registry: Registry } | undefined
  let isClosed = false

  const forget = async (browser: Promise<KafkaBrowser>) => {
    if (opened?.browser === browser) opened = undefined
    await browser.then((each) => each.close()).catch(() => undefined)
  }

  const browserOf = (brokers: readonly string[]): Promise<KafkaBrowser> => {
    const key = brokers.join()
    if (opened?.key !== key) {
      if (opened) void forget(opened.browser)
      opened = { key, browser: openBrowser({ brokers, clientId: 'readflow-topics' }) }
      const { browser } = opened
      browser.catch(() => forget(browser))
    }
    return opened.browser
  }

  const use: TopicsKafka['use'] = async (work, { timeoutMs = TIMEOUT_MS } = {}) => {
    const brokers = options.brokers()
    if (isClosed || !brokers || brokers.length === 0) throw away('no broker is known here.')
    const browser = browserOf(brokers)
    let timer: NodeJS.Timeout | undefined
    const timeout = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(away(`no answer came within ${timeoutMs / 1000} s.`)), timeoutMs)
    })
    try {
      return await Promise.race([browser.then(work), timeout])
    } catch (error) {
      // A refusal of ours says nothing of the connection, a time-out or a fault of Kafka's does.
      if (error instanceof Problem && error.status !== 503) throw error
      void forget(browser)
      throw error instanceof Problem ? error : away(errorLine(error))
    } finally {
      clearTimeout(timer)
    }
  }

  const currentRegistry = (): Registry | null => {
    const url = options.registryUrl()
    if (url === null) return null
    if (registry?.url !== url) registry = { url, registry: openRegistry(url, { requestTimeoutMs: 5000 }) }
    return registry.registry
  }

  return {
    use,
    decode: createDecoder(async (id) => (await currentRegistry()?.schemaById(id)) ?? null),
    registry: currentRegistry,
    close: async () => {
      isClosed = true
      if (opened) await forget(opened.browser)
    },
  }
}

/** A topic by its name. Throws a 404 for one that there is not. */
export const topicOf = async (browser: KafkaBrowser, name: string): Promise<BrowsedTopic> => {
  const [topic] = await browser.topics([name])
  if (!topic) throw new Problem(404, `There is no topic '${name}'. /v1/topics lists them.`)
  return topic
}
