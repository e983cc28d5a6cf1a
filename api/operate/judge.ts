import { durationText } from '../../runtime/duration-text.ts'
import { conditionOf, overdueMs } from '../../runtime/stage-lines.ts'
import { programOfStage } from '../../runtime/stage-names.ts'
import type { StageStatus } from '../../runtime/up-status.ts'
import { holdReason } from '../pipeline/gate.ts'
import type { Facts, KafkaFacts, LakeFacts, TopicLag } from './facts.ts'

/** `unknown`: it could not be found out. `note`: a person should know it, and nothing is wrong by it. */
export interface Finding {
  level: 'wrong' | 'unknown' | 'note'
  /** Names the finding for machines, such as `stage-failed`. */
  id: string
  what: string
  /** What to do about it, as a command where there is one. */
  todo: string
}

const silverGroup = 'readflow.silver'
const waitsFor = (lags: readonly TopicLag[], entity: string) =>
  lags.some(({ group, topic, lagRecords }) => group === silverGroup && topic === `goodreads.${entity}` && lagRecords > 0)

/**
 * How far Gold is behind what Kafka got, in ms: the age of the time up to which everything is in Gold, of the entity that is
 * furthest behind among those of which something is not in Gold yet. 0 where Gold has everything; null before the first Gold.
 */
export const freshnessMs = ({ nowMs, lake, kafka }: Facts): number | null => {
  const { tables = [], gold = null } = lake.answer ?? {}
  if (!gold) return null
  const behind = Object.entries(gold.completeThroughByEntity).map(([entity, through]) => {
    const newest = tables.find(({ table }) => table === `silver.${entity}`)?.newest_ingestion_at ?? null
    const isInSilverOnly = newest !== null && through !== null && Date.parse(newest) > Date.parse(through)
    const isMissing = isInSilverOnly || waitsFor(kafka?.answer?.lags ?? [], entity)
    return isMissing && through !== null ? Math.max(0, nowMs - Date.parse(through)) : 0
  })
  return Math.max(0, ...behind)
}

/** As the alert ReadflowProgramRestarts has it, though not of a quarter of an hour alone. */
const MANY_RESTARTS = 3

const programFindings = ({ up, nowMs, lake }: Facts): Finding[] => {
  if (!up) return []
  const isGone = isLakeGone({ up, lake })
  if (up.fault !== null)
    return [{ level: 'wrong', id: 'up-silent', what: `up does not answer: ${up.fault}`, todo: 'Stop it and start it again: npm start.' }]
  const { programs, stages } = up.answer
  return [
    ...programs.flatMap(({ name, state, lastError }): Finding[] => {
      if (state !== 'failed' && state !== 'restarting') return []
      const isFinal = state === 'failed'
      const stage = stages.find((each) => programOfStage[each.name] === name)?.name
      return [
        {
          level: 'wrong',
          id: isFinal ? 'program-failed' : 'program-restarting',
          what: `${name} ${isFinal ? 'has ended, and waits for a person' : 'has ended and is started again'}${lastError ? `: ${lastError}` : ''}`,
          todo: isFinal && stage ? `Mend that, then: readflow retry ${stage}` : `Read its log: logs/${name}.log in the data folder.`,
        },
      ]
    }),
    ...programs.flatMap(({ name, state, restarts, lastError }): Finding[] =>
      state === 'running' && restarts >= MANY_RESTARTS
        ? [
            {
              level: 'note',
              id: 'program-restarts',
              what: `${name} was started again ${restarts} times since up began${lastError ? `; the last reason: ${lastError}` : ''}`,
              todo: `logs/${name}.log in the data folder says why each of its processes ended.`,
            },
          ]
        : [],
    ),
    ...programs.flatMap(({ name, warning }): Finding[] =>
      warning === null || /\bheld\b/.test(warning)
        ? []
        : [{ level: 'wrong', id: 'program-warns', what: `${name}: ${warning}`, todo: `readflow doctor, and logs/${name}.log` }],
    ),
    ...stages.flatMap((stage): Finding[] => {
      const { name, runs } = stage
      const condition = conditionOf(stage, programs, nowMs)
      // Told once, and not for each stage.
      if (condition === 'failing' && isGone && isOfTheLake(stage)) return []
      if (condition === 'failing')
        return [
          {
            level: 'wrong',
            id: 'stage-failing',
            what: `${name} fails, and is tried again (attempt ${runs?.attempt}): ${runs?.last?.detail}`,
            todo: `Mend that, then: readflow retry ${name}; its log: readflow stages ${name}`,
          },
        ]
      if (condition === 'overdue')
        return [
          {
            level: 'wrong',
            id: 'stage-overdue',
            what: `${name} was to run ${durationText(overdueMs(stage, nowMs))} ago, and has not begun: its program hangs, or does other work`,
            todo: `readflow stages ${name}; one that hangs: readflow restart ${programOfStage[name]}`,
          },
        ]
      if (condition === 'paused' || condition === 'pausing')
        return [{ level: 'note', id: 'stage-paused', what: `${name} is ${condition}`, todo: `readflow resume ${name}` }]
      return []
    }),
  ]
}

const goldFindings = ({ gold, hold, tables }: LakeFacts): Finding[] => [
  ...(hold
    ? [
        {
          level: 'wrong' as const,
          id: 'gold-held',
          what: `Gold is held at ${hold.baseVersion === null ? 'nothing' : `version ${hold.baseVersion}`} since ${hold.since}: ${holdReason(hold)}`,
          todo: `readflow gate; then mend the source, or: readflow gate release ${hold.run.slice(0, 8)} --why …`,
        },
      ]
    : []),
  ...(!gold && !hold && tables.some(({ table, rows }) => table.startsWith('silver.') && rows > 0)
    ? [{ level: 'note' as const, id: 'no-gold', what: 'no Gold is published yet', todo: 'Wait for the first build: readflow run gold' }]
    : []),
]

/** Last runs that failed, where no `up` tells of its stages. */
const runFindings = ({ runs }: LakeFacts): Finding[] =>
  runs
    .filter(({ state }) => state === 'failed')
    .map(({ kind, job, attempt, error }) => ({
      level: 'wrong',
      id: 'run-failed',
      what: `the last ${kind} failed (${job}, attempt ${attempt}): ${error}`,
      todo: 'Read the log of its program; it tries again by itself.',
    }))

const kafkaFindings = ({ lags, members, deadLetters, lost }: KafkaFacts, up: Facts['up']): Finding[] => {
  const isPaused = (stage: string) =>
    up?.answer?.stages.some(({ name, state }) => name === stage && (state === 'paused' || state === 'pausing')) ?? false
  const isRunning = up?.answer?.programs.some(({ name, state }) => name === programOfStage.silver && state === 'running') ?? false
  const letters = [...deadLetters.values()].reduce((sum, count) => sum + count, 0)
  return [
    ...lost.map(
      ({ stage, topic, partition, next, logStart }): Finding => ({
        level: 'wrong',
        id: 'partition-stopped',
        what: `${stage} stands still on ${topic}/${partition}: Kafka no longer has offsets ${next} to ${logStart - 1}`,
        todo: 'Bring them back, or go on without them on record: --accept-loss of up or consume',
      }),
    ),
    ...[...new Set(lags.map(({ group }) => group))].flatMap((group): Finding[] => {
      const stage = group.slice(group.indexOf('.') + 1)
      const waiting = lags.reduce((sum, lag) => sum + (lag.group === group ? lag.lagRecords : 0), 0)
      if (waiting === 0 || (members.get(group) ?? 0) > 0 || isPaused(stage)) return []
      return [
        {
          level: 'wrong',
          id: 'group-idle',
          what: `nobody consumes for ${group}, and ${waiting} records wait`,
          todo: up
            ? `readflow stages ${stage}${isRunning ? '; one that hangs: readflow restart consume' : ''}`
            : 'Start a readflow consume.',
        },
      ]
    }),
    ...(letters > 0
      ? [{ level: 'note' as const, id: 'dead-letters', what: `${letters} dead letters in the last hour`, todo: 'The page, Dead letters' }]
      : []),
  ]
}

const isOfTheLake = ({ runs }: StageStatus): boolean => runs?.last?.outcome === 'failed' && /\blake\b/.test(runs.last.detail)

/** A lake that is gone looks as one that has just begun; but stages of the latter do not fail by it. */
const isLakeGone = ({ up, lake }: Pick<Facts, 'up' | 'lake'>): boolean =>
  lake.answer?.tables.length === 0 && lake.answer.gold === null && (up?.answer?.stages.some(isOfTheLake) ?? false)

/** What the pipeline needs and does not answer. */
const awayFindings = ({ up, lake, kafka, registry }: Facts): Finding[] => {
  const look = 'readflow doctor'
  const orRestart = (name: string) => (up ? `${look}; one that hangs: readflow restart ${name}` : look)
  const away = (id: string, what: string, fault: string | null | undefined, todo = look, level: Finding['level'] = 'wrong'): Finding[] =>
    fault === null || fault === undefined ? [] : [{ level, id, what: `${what}: ${fault}`, todo }]
  // A store that is away says so itself, and soon: who only took too long may be well, on a machine that has much to do.
  const isSlow = lake.fault?.startsWith('no answer within') ?? false
  return [
    ...(isLakeGone({ up, lake })
      ? away('lake-away', `nothing is in ${up?.answer?.links.lake ?? 'the lake'}`, 'it is gone, or its disk is not mounted')
      : []),
    ...(isSlow
      ? away('lake-slow', 'the lake was not read in time', lake.fault, look, 'unknown')
      : away('lake-away', 'the lake can not be read', lake.fault)),
    ...away('kafka-away', 'Kafka does not answer', kafka?.fault, orRestart('kafka')),
    ...away(
      'registry-away',
      'the schema registry does not answer, so new schemas are neither written nor read',
      registry?.fault,
      orRestart('registry'),
    ),
  ]
}

/** A stage before Gold, or Gold itself, that a person has paused: what waits for it is no fault. */
const pausedBefore = (up: Facts['up']) =>
  up?.answer?.stages.find(({ name, state }) => ['bronze', 'silver', 'gold'].includes(name) && state === 'paused')

/** What makes Gold fall behind: a pause by a person before all else. */
const todoOfBehind = ({ up }: Facts): string => {
  if (!up) return 'Is a readflow compact running, and is it well?'
  const paused = pausedBefore(up)
  return paused ? `${paused.name} is paused: readflow resume ${paused.name}` : 'readflow stages: which of silver and gold is behind'
}

const weight = { wrong: 0, unknown: 1, note: 2 }

/** What is to be said of the facts, what is wrong first. Pure. */
export const judge = (facts: Facts, { objectiveMs }: { objectiveMs: number }): Finding[] => {
  const { up, api, lake, kafka } = facts
  const freshMs = freshnessMs(facts)
  const findings: Finding[] = [
    ...awayFindings(facts),
    ...programFindings(facts),
    ...(lake.answer ? goldFindings(lake.answer) : []),
    ...(lake.answer && !up ? runFindings(lake.answer) : []),
    ...(kafka?.answer ? kafkaFindings(kafka.answer, up) : []),
    ...(freshMs !== null && freshMs > objectiveMs
      ? [
          {
            level: pausedBefore(facts.up) ? ('note' as const) : ('wrong' as const),
            id: 'not-fresh',
            what: `what came ${durationText(freshMs)} ago is not in Gold yet; the objective is ${durationText(objectiveMs)}`,
            todo: todoOfBehind(facts),
          },
        ]
      : []),
    ...(api?.fault
      ? [
          {
            level: 'wrong' as const,
            id: 'api-away',
            what: `the API does not answer: ${api.fault}`,
            todo: 'Read logs/serve.log in the data folder; one that hangs: readflow restart serve',
          },
        ]
      : []),
    ...(kafka === null
      ? [
          {
            level: 'unknown' as const,
            id: 'no-brokers',
            what: 'no up runs on this data folder, and no broker is known',
            todo: 'Start one with npm start, name its folder with --data, or set KAFKA_BROKERS.',
          },
        ]
      : []),
  ]
  return findings.sort((a, b) => weight[a.level] - weight[b.level])
}

/** 0 where all is well, 1 where something is wrong, 2 where that can't be told. */
export const exitCodeOf = (findings: readonly Finding[]): 0 | 1 | 2 =>
  findings.some(({ level }) => level === 'wrong') ? 1 : findings.some(({ level }) => level === 'unknown') ? 2 : 0
