import type { Snapshot } from '../../lake/delta/snapshot.ts'
import { openTable } from '../../lake/delta/table.ts'
import { isHolding, readGate } from '../../lake/gate-log.ts'
import { readPublished } from '../../lake/published.ts'
import type { ObjectStore } from '../../lake/store/store.ts'
import { errorLine } from '../../runtime/errors.ts'
import type { KafkaBrowser } from '../../runtime/kafka/second/browser.ts'
import { within } from '../../runtime/within.ts'
import { catalogue, dlqTopic, entityNames, topicNames } from '../../schemas/catalogue.ts'
import { groups } from '../pipeline/lag.ts'
import type { openRunsReader } from '../pipeline/runs.ts'
import { summarize } from '../pipeline/tables.ts'
import type { Asked, KafkaFacts, LakeFacts, LostRange } from './facts.ts'

const HOUR_MS = 3_600_000

/** Asks something, for `withinMs` at most. Never rejects: what is wrong is a part of the answer. */
export const asked = async <T>(work: () => Promise<T>, withinMs: number): Promise<Asked<T>> => {
  try {
    return { answer: await within(work(), withinMs), fault: null }
  } catch (error) {
    return { answer: null, fault: errorLine(error) }
  }
}

const roots = [...topicNames.map((name) => `bronze/${name}`), ...entityNames.map((name) => `silver/${name}`)]

/** What the lake says, and the ledgers of Bronze and Silver. */
export const lookAtLake = async (
  store: ObjectStore,
  runs: ReturnType<typeof openRunsReader>,
): Promise<LakeFacts & { ledgers: Snapshot[] }> => {
  const read = async (root: string) => ({ root, snapshot: await openTable(store, root).snapshot() })
  const [tables, gold, gate, latest] = await Promise.all([
    Promise.all(roots.map(read)),
    readPublished(store),
    readGate(store),
    runs.at().then((at) => at?.latest() ?? []),
  ])
  const there = tables.filter(({ snapshot }) => snapshot.version >= 0)
  const hold = gate?.state.hold ?? null
  return {
    tables: there.map(({ root, snapshot }) => summarize(root, snapshot, 0)),
    ledgers: there.map(({ snapshot }) => snapshot),
    gold,
    hold: isHolding(hold, gold?.version ?? null) ? hold : null,
    runs: latest,
  }
}

/** Next offset of each partition by `stage/topic id/partition`, as the tables of Bronze and Silver have it. */
const progressOf = (ledgers: readonly Snapshot[]): Map<string, number> =>
  new Map(
    ledgers.flatMap(({ txns }) =>
      [...txns].flatMap(([appId, version]) => {
        const [, stage, topicId, partition] = /^(bronze|silver)\/[^/]+\/([^/]+)\/(\d+)$/.exec(appId) ?? []
        return stage === undefined ? [] : [[`${stage}/${topicId}/${partition}`, version] as const]
      }),
    ),
  )

/** What Kafka says, beside every consumer group. Without ledgers nobody knows which records are lost. */
export const lookAtKafka = async (browser: KafkaBrowser, ledgers: readonly Snapshot[], nowMs: number): Promise<KafkaFacts> => {
  const wanted = [...topicNames.map((name) => catalogue[name].topic), ...entityNames.map(dlqTopic)]
  const [topics, described] = await Promise.all([browser.topics(wanted), browser.groups()])
  const topicOf = new Map(topics.map((topic) => [topic.name, topic]))
  const members = new Map(described.map(({ group, members: of }) => [group, of.length]))
  const progress = progressOf(ledgers)
  const lags: KafkaFacts['lags'] = []
  const lost: LostRange[] = []
  for (const [group, read] of Object.entries(groups)) {
    const committed = new Map((await browser.committed(group)).map((each) => [`${each.topic}/${each.partition}`, each.offset]))
    const stage = group.slice(group.indexOf('.') + 1)
    for (const topic of read.flatMap((name) => topicOf.get(name) ?? [])) {
      const lagOf = ({ partition, logStart, end }: (typeof topic.partitions)[number]) =>
        Math.max(0, end - Math.max(committed.get(`${topic.name}/${partition}`) ?? 0, logStart))
      lags.push({ group, topic: topic.name, lagRecords: topic.partitions.reduce((sum, each) => sum + lagOf(each), 0) })
      for (const { partition, logStart } of topic.partitions) {
        const next = progress.get(`${stage}/${topic.id}/${partition}`)
        if (next !== undefined && next < logStart) lost.push({ stage, topic: topic.name, partition, next, logStart })
      }
    }
  }
  const deadLetters = new Map<string, number>()
  for (const topic of topics.filter(({ name }) => name.endsWith('.dlq'))) {
    const since = await browser.offsetsAt(topic, nowMs - HOUR_MS)
    deadLetters.set(
      topic.name,
      topic.partitions.reduce((sum, { partition, end }) => sum + Math.max(0, end - (since.get(partition) ?? end)), 0),
    )
  }
  return { lags, members, deadLetters, lost }
}
