import { durationText } from '../../runtime/duration-text.ts'
import type { KafkaClient, TopicSpec } from '../../runtime/kafka/client.ts'
import type { BrowsedGroup, BrowsedTopic } from '../../runtime/kafka/second/browser.ts'
import { type Check, fail, ok, warn } from './check.ts'

/** Gets one record each time that somebody looks at the clocks, and keeps it for an hour. */
export const DOCTOR_TOPIC = 'readflow.doctor'
const doctorTopic = (replicationFactor: number): TopicSpec => ({
  topic: DOCTOR_TOPIC,
  partitions: 1,
  replicationFactor,
  configs: { 'message.timestamp.type': 'LogAppendTime', 'cleanup.policy': 'delete', 'retention.ms': '3600000' },
})
const WARN_SKEW_MS = 1000
const FAIL_SKEW_MS = 60_000
const DAY_MS = 86_400_000

/** How far the broker's clock is from ours: it says when it got a record. */
export const checkClock = async (
  { kafka, ensureTopics }: Pick<KafkaClient, 'kafka' | 'ensureTopics'>,
  replicationFactor: number,
  nowMs: () => number = Date.now,
): Promise<Check> => {
  await ensureTopics([doctorTopic(replicationFactor)])
  const producer = kafka.producer({ allowAutoTopicCreation: false, retry: { retries: 3 } })
  await producer.connect()
  try {
    const sentMs = nowMs()
    const [answer] = await producer.send({ topic: DOCTOR_TOPIC, acks: -1, messages: [{ value: 'what time is it?' }] })
    const ackedMs = nowMs()
    const brokerMs = Number(answer?.logAppendTime ?? -1)
    if (brokerMs < 0)
      return warn('clocks', `${DOCTOR_TOPIC} does not tell the broker's time`, `Delete the topic ${DOCTOR_TOPIC}; it is made anew.`)
    // The record came between sending and answer: only what is outside of that is a difference.
    const skewMs = brokerMs < sentMs ? brokerMs - sentMs : brokerMs > ackedMs ? brokerMs - ackedMs : 0
    const what =
      skewMs === 0 ? 'broker and this machine agree' : `the broker is ${durationText(Math.abs(skewMs))} ${skewMs > 0 ? 'ahead' : 'behind'}`
    const todo = 'Keep both clocks by NTP: freshness and complete_through are told by them.'
    if (Math.abs(skewMs) >= FAIL_SKEW_MS) return fail('clocks', what, todo)
    return Math.abs(skewMs) >= WARN_SKEW_MS ? warn('clocks', what, todo) : ok('clocks', what)
  } finally {
    await producer.disconnect()
  }
}

const alter = (topic: string, config: string) =>
  `readflow kafka-tool configs --alter --entity-type topics --entity-name ${topic} --add-config ${config}`

const days = (ms: number) => (ms < 0 ? 'for ever' : durationText(ms))

/** A topic against what the catalogue wants of it. Pure. */
export const checkTopic = (spec: TopicSpec, topic: BrowsedTopic | undefined): Check[] => {
  const name = `topic ${spec.topic}`
  if (!topic) return [warn(name, 'is not there yet', 'The first poll or consume makes it.')]
  const found: Check[] = []
  const wanted = (key: string) => spec.configs[key] ?? ''
  const is = (key: string) => topic.configs[key] ?? ''
  if (spec.partitions === 1 && topic.partitions.length !== 1)
    found.push(warn(name, `has ${topic.partitions.length} partitions, where one keeps the order`, 'Readers must take them together.'))
  const policy = 'cleanup.policy'
  if (is(policy) !== wanted(policy))
    found.push(
      fail(
        name,
        `${policy} is ${is(policy)}, where ${wanted(policy)} is wanted: ${is(policy).includes('compact') ? 'records vanish before anybody has read them' : 'what is current vanishes with its age'}`,
        alter(spec.topic, `${policy}=${wanted(policy)}`),
      ),
    )
  const timestamp = 'message.timestamp.type'
  if (is(timestamp) !== wanted(timestamp))
    found.push(
      warn(
        name,
        `${timestamp} is ${is(timestamp)}: times of ingestion are the producers' own`,
        alter(spec.topic, `${timestamp}=${wanted(timestamp)}`),
      ),
    )
  const retention = Number(is('retention.ms'))
  const wantedMs = Number(wanted('retention.ms'))
  if (wanted('retention.ms') !== '' && retention >= 0 && (wantedMs < 0 || retention < wantedMs)) {
    const what = `keeps records ${days(retention)}, where ${days(wantedMs)} is wanted`
    const todo = alter(spec.topic, `retention.ms=${wantedMs}`)
    found.push(retention < DAY_MS ? fail(name, `${what}: who is away for longer loses some`, todo) : warn(name, what, todo))
  }
  for (const key of ['min.insync.replicas', 'max.message.bytes'])
    if (wanted(key) !== '' && Number(is(key)) < Number(wanted(key)))
      found.push(warn(name, `${key} is ${is(key)}, below ${wanted(key)}`, alter(spec.topic, `${key}=${wanted(key)}`)))
  const count = topic.partitions.length
  const kept = is(policy) === 'compact' ? 'compacted' : `kept ${days(retention)}`
  return found.length > 0 ? found : [ok(name, `${count} ${count === 1 ? 'partition' : 'partitions'}, ${kept}`)]
}

/** The program that all of our groups are of. */
const OURS = 'readflow-consume'

/** Consumer groups of ours, who is a member and should not be, and whom nobody reads for where an `up` runs. Pure. */
export const checkGroups = (groups: readonly BrowsedGroup[], wanted: readonly string[], { isUp }: { isUp: boolean }): Check[] =>
  wanted.map((name) => {
    const group = groups.find((each) => each.group === name)
    const strangers = group?.members.filter(({ clientId }) => clientId !== OURS) ?? []
    if (strangers.length > 0) {
      const who = strangers.map(({ clientId, host }) => `${clientId} at ${host.replace(/^\//, '')}`).join(', ')
      return warn(
        `group ${name}`,
        `has members that are none of ours: ${who}`,
        'Stop them: they take partitions away that then nobody sinks.',
      )
    }
    const members = group?.members.length ?? 0
    if (group && members === 0 && isUp) {
      const stage = name.slice(name.indexOf('.') + 1)
      const todo = `readflow stages ${stage}: one that is paused goes on with readflow resume ${stage}, one that hangs with readflow restart consume.`
      return warn(`group ${name}`, 'has no members: nobody reads for it', todo)
    }
    return ok(`group ${name}`, group ? `${members} ${members === 1 ? 'member' : 'members'}` : 'is not there yet')
  })
