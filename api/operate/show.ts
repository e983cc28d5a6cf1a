import { durationText } from '../../runtime/duration-text.ts'
import { lineText } from '../../runtime/line-text.ts'
import { stageLines } from '../../runtime/stage-lines.ts'
import type { Facts } from './facts.ts'
import { exitCodeOf, type Finding, freshnessMs } from './judge.ts'

const count = (value: number) => value.toLocaleString('en').replaceAll(',', ' ')
const short = (topic: string) => topic.replace(/^goodreads\./, '').replace(/\.dlq$/, '')

const goldLine = (facts: Facts, objectiveMs: number): string => {
  const { nowMs, lake } = facts
  const gold = lake.answer?.gold
  if (!gold) return lake.fault === null ? 'none yet' : 'not known'
  const freshMs = freshnessMs(facts) ?? 0
  const published = `version ${gold.version}, published ${durationText(Math.max(0, nowMs - Date.parse(gold.publishedAt)))} ago`
  const through = `complete through ${gold.completeThrough ?? 'not known'}`
  const behind = freshMs === 0 ? 'has all that came' : `${durationText(freshMs)} behind`
  return `${published}; ${through}; ${behind} (objective ${durationText(objectiveMs)})`
}

const lagLines = ({ kafka }: Facts): string[] => {
  if (kafka === null) return ['not known: no broker']
  if (kafka.fault !== null) return ['not known: Kafka does not answer']
  const { lags, members } = kafka.answer
  return [...Map.groupBy(lags, ({ group }) => group)].map(([group, of]) => {
    const topics = of.map(({ topic, lagRecords }) => `${short(topic)} ${count(lagRecords)}`).join(', ')
    const consumers = members.get(group) ?? 0
    return `${group}: ${topics} (${consumers} ${consumers === 1 ? 'member' : 'members'})`
  })
}

const deadLetterLine = ({ kafka }: Facts): string => {
  if (!kafka?.answer) return 'not known'
  const some = [...kafka.answer.deadLetters].filter(([, letters]) => letters > 0)
  const sum = some.reduce((total, [, letters]) => total + letters, 0)
  return `${count(sum)} in the last hour${sum === 0 ? '' : ` (${some.map(([topic, letters]) => `${short(topic)} ${count(letters)}`).join(', ')})`}`
}

/** Status as lines for a terminal, what is wrong first. Pure. */
export const statusLines = (facts: Facts, findings: readonly Finding[], objectiveMs: number): string[] => {
  const code = exitCodeOf(findings)
  const [first] = findings
  const head = code === 0 ? 'All is well.' : `${code === 1 ? 'WRONG' : 'NOT KNOWN'}: ${first?.what}`
  const stages = facts.up?.answer
    ? stageLines(facts.up.answer, facts.nowMs)
    : [facts.up ? 'not known: up does not answer' : 'no up runs here: each program tells its own, in its log']
  const label = (name: string, lines: readonly string[]) => lines.map((line, index) => `${(index === 0 ? name : '').padEnd(14)}${line}`)
  return [
    head,
    '',
    ...label('Gold', [goldLine(facts, objectiveMs)]),
    ...label('Lag', lagLines(facts)),
    ...label('Dead letters', [deadLetterLine(facts)]),
    ...label('Stages', stages),
    ...(findings.length > 0 ? ['', 'What to do:'] : []),
    ...findings.flatMap(({ level, what, todo }) => [`  ${level === 'note' ? 'note ' : level} ${what}`, `        ${todo}`]),
  ].map(lineText)
}

/** The same as one JSON value. */
export const statusJson = (facts: Facts, findings: readonly Finding[], objectiveMs: number) => {
  const { nowMs, up, lake, kafka } = facts
  const freshMs = freshnessMs(facts)
  const gold = lake.answer?.gold
  return {
    ok: exitCodeOf(findings) === 0,
    now: new Date(nowMs).toISOString(),
    findings,
    stages: up?.answer?.stages ?? null,
    programs: up?.answer?.programs ?? null,
    gold: gold
      ? {
          version: gold.version,
          published_at: gold.publishedAt,
          complete_through: gold.completeThrough,
          complete_through_by_entity: gold.completeThroughByEntity,
        }
      : null,
    freshness: { behind_seconds: freshMs === null ? null : freshMs / 1000, objective_seconds: objectiveMs / 1000 },
    held: lake.answer?.hold ? { run: lake.answer.hold.run, since: lake.answer.hold.since } : null,
    lag: kafka?.answer?.lags.map(({ group, topic, lagRecords }) => ({ group, topic, lag_records: lagRecords })) ?? null,
    stopped_partitions: kafka?.answer?.lost.map(({ logStart, ...each }) => ({ ...each, log_start: logStart })) ?? null,
    dead_letters_last_hour: kafka?.answer ? Object.fromEntries(kafka.answer.deadLetters) : null,
  }
}
