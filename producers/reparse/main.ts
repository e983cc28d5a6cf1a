import { openStore } from '../../lake/store/open.ts'
import { openRuns } from '../../lineage/runs/open.ts'
import { withRun } from '../../lineage/runs/recorder.ts'
import { parseConfig } from '../../runtime/config/config.ts'
import { ReadflowError } from '../../runtime/errors.ts'
import { parseIsoTime } from '../../runtime/iso-time.ts'
import { openKafka } from '../../runtime/kafka/client.ts'
import { openProducer } from '../../runtime/kafka/producer.ts'
import { openSecondReader } from '../../runtime/kafka/second/reader.ts'
import { runProgram } from '../../runtime/lifecycle.ts'
import { keyText, lineText } from '../../runtime/line-text.ts'
import { createLog } from '../../runtime/log.ts'
import { progressLine } from '../../runtime/progress-line.ts'
import { openRegistry } from '../../runtime/registry.ts'
import { requireServices } from '../../runtime/services.ts'
import { catalogue, entityNames } from '../../schemas/catalogue.ts'
import { createEncoder } from '../poll/poll.ts'
import { readPublished } from './published.ts'
import { type ReparseReport, runReparse } from './run.ts'

/** `readflow reparse`: makes records again of the responses on `goodreads.raw`, by the code of now. */
await runProgram('reparse', async ({ argv, env, signal, defer }) => {
  const config = parseConfig('reparse', argv, env)
  if (!config) return
  if (config.replayFrom === undefined)
    throw new ReadflowError('config', '--from must say where to begin.', { hint: 'Such as --from earliest, or --from 2026-11-23.' })
  const [fromMs, toMs] = [timeOf('--from', config.replayFrom), timeOf('--to', config.replayTo)]
  const log = createLog('reparse', config.explicit.has('logLevel') ? config.logLevel : 'error')
  const { brokers, registryUrl } = requireServices(config)
  const store = openStore(config.lakeUrl, { signal })
  defer(() => store.close())
  const client = await openKafka({ brokers, clientId: 'readflow-reparse', log })
  defer(() => client.close())
  const reader = await openSecondReader({ brokers, clientId: 'readflow-reparse' })
  defer(() => reader.close())
  const { topic } = catalogue.raw
  const state = await reader.topic(topic)
  if (!state) throw new ReadflowError('config', `There is no topic ${topic}: no response was kept.`)
  const startsAt = typeof fromMs === 'number' ? await client.offsetsAt(topic, fromMs) : null
  const endsAt = typeof toMs === 'number' ? await client.offsetsAt(topic, toMs) : null
  const spans = state.partitions.map(({ partition, logStart, end }) => ({
    topicId: state.id,
    partition,
    from: fromMs === 'latest' ? end : Math.max(logStart, startsAt?.get(partition) ?? logStart),
    to: toMs === 'earliest' ? logStart : Math.min(end, endsAt?.get(partition) ?? end),
  }))
  const registry = openRegistry(registryUrl)
  const encode = await createEncoder(registry)
  const line = progressLine()
  line('reading what was published of them')
  const published = await readPublished(store, entityNames, typeof fromMs === 'number' ? fromMs : 0)
  const sender = config.isDryRun ? null : await openProducer(client)
  defer(async () => sender?.close())
  const onProgress = ({ responses, published: sent }: ReparseReport) => line(`${responses} responses, ${sent} records published`)
  const work = () => runReparse({ reader, registry, spans, published, encode, producer: sender, onProgress, signal })
  const onRecord = async () => {
    // The compactor publishes it.
    const runs = await openRuns({ ...config, store, programs: ['reparse'], brokers: undefined, log })
    defer(runs.close)
    return withRun(runs, { kind: 'replay', job: `reparse ${topic}`, signal }, async (run) => {
      const version = spans.map(({ partition, from, to }) => `${partition}:${from}-${to}`).join(',')
      run.begin({ inputs: [{ type: 'topic', name: topic, version }] })
      const done = await work()
      run.note({ counts: { responses: done.responses, published: done.published, failed: done.failed } })
      return done
    })
  }
  const report = await (config.isDryRun ? work() : onRecord())
  line('')
  process.stdout.write(
    config.isJson ? `${JSON.stringify({ ok: true, dryRun: config.isDryRun, ...report })}\n` : textOf(report, config.isDryRun),
  )
})

function timeOf(flag: string, text: string): number | 'earliest' | 'latest' {
  if (text === 'earliest' || text === 'latest') return text
  const timeMs = parseIsoTime(text)
  if (timeMs !== null) return timeMs
  throw new ReadflowError('config', `${flag}: '${text}' is no time, and neither earliest nor latest.`, {
    hint: 'Times are written as 2026-11-23 or 2026-11-23T08:00:00Z.',
  })
}

function textOf(report: ReparseReport, isDryRun: boolean): string {
  const { responses, parsed, others, failed } = report
  const lines = [`${responses} responses: ${parsed} parsed, ${others} of another kind, ${failed} can not be parsed`]
  for (const failure of report.failures) lines.push(`  ${failure}`)
  for (const [entity, { same, different, new: added }] of Object.entries(report.records))
    lines.push(`${entity}: ${same} as they were published, ${different} different, ${added} that were not published`)
  for (const { entity, key, state, requestId } of report.samples)
    lines.push(`  ${state} ${entity} ${keyText(key, 'no key')}, of the request ${requestId}`)
  lines.push(isDryRun ? 'a dry run: nothing is published' : `${report.published} records published; Silver takes what is new to it`)
  return `${lines.map(lineText).join('\n')}\n`
}
