import { openStore } from '../lake/store/open.ts'
import { driftLine } from '../lineage/drift/drift.ts'
import { openDrift } from '../lineage/drift/open.ts'
import { openRuns } from '../lineage/runs/open.ts'
import { withRun } from '../lineage/runs/recorder.ts'
import { parseConfig } from '../runtime/config/config.ts'
import { errorLine, isRetriable } from '../runtime/errors.ts'
import { openKafka } from '../runtime/kafka/client.ts'
import { openProducer } from '../runtime/kafka/producer.ts'
import { runProgram, sleep } from '../runtime/lifecycle.ts'
import { createLog } from '../runtime/log.ts'
import { createPausable } from '../runtime/pausable.ts'
import { openRegistry } from '../runtime/registry.ts'
import { requireServices } from '../runtime/services.ts'
import { topicSpecs } from '../schemas/topics.ts'
import { openSource } from './open-source.ts'
import { createEncoder, poll } from './poll/poll.ts'
import { openPositions } from './poll/positions.ts'
import { openSourceWatch } from './poll/source-watch.ts'

const PROGRESS_MS = 2000
const RETRY_FIRST_MS = 1000
const RETRY_CAP_MS = 60_000
/** What a timer can take. */
const LONGEST_SLEEP_MS = 2 ** 31 - 1

await runProgram('poll', async ({ argv, env, signal, defer }) => {
  const config = parseConfig('poll', argv, env)
  if (!config) return
  const pausable = createPausable(config.pausedStages ?? [])
  const log = createLog('poll', config.logLevel)
  const store = openStore(config.lakeUrl, { signal })
  defer(() => store.close())
  const sandboxStart = openPositions(store, 'sandbox-start')
  const sandboxStartMs = async () => {
    const kept = (await sandboxStart.load()) as { startMs: number } | null
    if (kept) return kept.startMs
    const startMs = Date.now()
    await sandboxStart.save({ startMs })
    return startMs
  }
  const source = await openSource(config.source, { config, sandboxStartMs, log })
  defer(() => source.close())
  if (config.isSourceCheck) return
  const { brokers, registryUrl } = requireServices(config)
  const encode = await createEncoder(openRegistry(registryUrl))
  const client = await openKafka({ brokers, clientId: 'readflow-poll', log })
  defer(() => client.close())
  await client.ensureTopics(topicSpecs({ partitions: config.topicPartitions, replicationFactor: config.replicationFactor }))
  const producer = await openProducer(client)
  defer(() => producer.close())
  const { lakeUrl, replicationFactor } = config
  const runs = await openRuns({ store, programs: ['poll'], lakeUrl, brokers, replicationFactor, log })
  defer(runs.close)

  const drifts = openDrift({ store, log, onRecorded: (drift) => process.send?.({ type: 'notice', text: driftLine(drift) }) })
  defer(drifts.close)
  const watch = openSourceWatch({ source, store, drifts, policies: config.drift ?? {}, log })

  const startedMs = Date.now()
  let reportedMs = 0
  const positions = openPositions(store, source.id)
  const onProgress = (polled: Record<string, number>) => {
    if (Date.now() - reportedMs < PROGRESS_MS) return
    reportedMs = Date.now()
    log.info({ source: source.name, ...polled }, 'polling')
    process.send?.({ type: 'status', program: 'poll', state: 'running', polled: { ...polled } })
  }
  const once = (until: AbortSignal) =>
    withRun(runs, { kind: 'poll', job: `poll ${source.name}`, signal: until }, (run) =>
      poll({ source, positions, encode, producer, log, nowMs: Date.now, run, watch, onProgress }, until),
    )
  process.send?.({ type: 'status', program: 'poll', state: 'running', isGenerated: source.isGenerated })

  if (config.isOnce) {
    const polled = await once(signal)
    process.stdout.write(`${JSON.stringify({ ok: true, seconds: (Date.now() - startedMs) / 1000, polled })}\n`)
    return
  }
  const intervalMs = config.pollIntervalMs ?? source.pollIntervalMs
  let dueMs = 0
  let retryMs = RETRY_FIRST_MS
  await pausable.run('poll', signal, async (until) => {
    while (true) {
      const beganMs = Date.now()
      // A pause moves no poll: one that was broken off is due at once, a source that is read once never again.
      if (beganMs < dueMs) {
        await sleep(Math.min(dueMs - beganMs, LONGEST_SLEEP_MS), until)
        continue
      }
      try {
        await once(until)
        retryMs = RETRY_FIRST_MS
        // Measured from the beginning of a poll, and never two at once.
        dueMs = intervalMs === null ? Number.POSITIVE_INFINITY : beganMs + intervalMs
      } catch (error) {
        until.throwIfAborted()
        // A source or broker that is away for a while: the position has not moved, the next poll goes on from it.
        if (!isRetriable(error)) throw error
        log.warn({ reason: errorLine(error), retryInMs: retryMs }, 'poll failed; it is tried again')
        process.send?.({ type: 'status', program: 'poll', state: 'waiting', lastError: errorLine(error) })
        dueMs = Date.now() + retryMs
        retryMs = Math.min(retryMs * 2, RETRY_CAP_MS)
      }
    }
  })
})
