import { z } from 'zod'
import { stageNames } from '../stage-names.ts'
import { apiKnobs } from './api-knobs.ts'
import { driftPolicies } from './drift-policies.ts'
import { engineKnobs } from './engine-knobs.ts'
import { letterKnobs } from './letter-knobs.ts'
import { metricsKnobs } from './metrics-knobs.ts'
import { operateKnobs } from './operate-knobs.ts'
import { replayKnobs } from './replay-knobs.ts'
import { aSwitch, count, durationMs, list, portNumber, sizeBytes, text } from './units.ts'
import { upkeepKnobs } from './upkeep-knobs.ts'

const programs = [
  'up',
  'stack',
  'poll',
  'consume',
  'compact',
  'serve',
  'pause',
  'resume',
  'kafka-tool',
  'optimize',
  'vacuum',
  'gate',
  'history',
  'lineage',
  'replay',
  'rollback',
  'reparse',
  'verify',
  'sql',
  'export',
  'keys',
  'stages',
  'run',
  'retry',
  'restart',
  'status',
  'doctor',
  'backfill',
  'dlq',
] as const
export type Program = (typeof programs)[number]

interface Knob {
  flag?: string
  env?: string
  /** Text, as a person would type it; `undefined` where there is none. */
  default?: string
  schema: z.ZodType<unknown, string>
  /** A switch takes no value. */
  isSwitch?: true
  isSecret?: true
  programs: readonly Program[]
  doc: string
}

const all = ['up', 'stack', 'poll', 'consume', 'compact', 'serve'] as const
const knob = <const K extends Knob>(definition: K): K => definition
const consumeStages = ['bronze', 'silver', 'clean'] as const
const consumed = list.pipe(z.array(z.enum(consumeStages, { error: `stages are ${consumeStages.join(', ')}, with commas between` })))
const pausableNames = list.pipe(z.array(z.enum(stageNames, { error: `stages are ${stageNames.join(', ')}, with commas between` })))

/** Every knob of every program: its flag, its environment variable, its unit and its default. Flags win. */
export const knobs = {
  dataDir: knob({
    flag: 'data',
    env: 'READFLOW_DATA',
    default: '.readflow',
    schema: text,
    programs,
    doc: 'folder that keeps all local state: broker, registry, lake, logs',
  }),
  source: knob({
    flag: 'source',
    env: 'READFLOW_SOURCE',
    default: 'sandbox:',
    schema: text,
    programs: ['up', 'poll', 'backfill'],
    doc: 'where records come from: sandbox:, goodreads-api:URL, goodreads-export:FILE, goodreads-rss:USER, dataset:DIR, synthetic:ratings=N,seed=N',
  }),
  isOnce: knob({
    flag: 'once',
    schema: aSwitch,
    isSwitch: true,
    programs: ['up', 'poll', 'consume', 'compact'],
    doc: 'do what is there to do, print one JSON line last, stop',
  }),
  isSourceCheck: knob({
    flag: 'check-source',
    schema: aSwitch,
    isSwitch: true,
    programs: ['poll'],
    doc: 'say whether the source can be opened, and stop; needs no broker',
  }),
  port: knob({
    flag: 'port',
    env: 'READFLOW_PORT',
    default: '8080',
    schema: portNumber,
    programs: ['up', 'serve'],
    doc: 'port of the page and the API; 0 takes a free one',
  }),
  host: knob({
    flag: 'host',
    env: 'READFLOW_HOST',
    default: '127.0.0.1',
    schema: text,
    programs: ['serve'],
    doc: 'address that the page and the API listen on',
  }),
  kafkaBrokers: knob({
    flag: 'brokers',
    env: 'KAFKA_BROKERS',
    schema: list,
    programs: [...all, 'verify', 'sql', 'status', 'doctor', 'backfill', 'dlq', 'replay', 'rollback', 'reparse'],
    doc: 'brokers to use, host:port with commas between; without it `up` starts one',
  }),
  schemaRegistryUrl: knob({
    flag: 'registry',
    env: 'SCHEMA_REGISTRY_URL',
    schema: text,
    programs: [...all, 'verify', 'sql', 'status', 'doctor', 'backfill', 'dlq', 'replay', 'rollback', 'reparse'],
    doc: 'schema registry to use (Confluent API); without it `up` starts one',
  }),
  kafkaPort: knob({
    flag: 'kafka-port',
    env: 'READFLOW_KAFKA_PORT',
    default: '9092',
    schema: portNumber,
    programs: ['up', 'stack'],
    doc: 'port of the local broker',
  }),
  registryPort: knob({
    flag: 'registry-port',
    env: 'READFLOW_REGISTRY_PORT',
    default: '8081',
    schema: portNumber,
    programs: ['up', 'stack'],
    doc: 'port of the local schema registry',
  }),
  lakeUrl: knob({
    flag: 'lake',
    env: 'LAKE_URL',
    schema: text,
    programs: [
      'up',
      'poll',
      'consume',
      'compact',
      'serve',
      'optimize',
      'vacuum',
      'gate',
      'history',
      'lineage',
      'verify',
      'sql',
      'export',
      'status',
      'doctor',
      'backfill',
      'dlq',
      'replay',
      'rollback',
      'reparse',
    ],
    doc: 'where the tables are: file:DIR (default: lake/ in the data folder) or s3://bucket/prefix?endpoint=…&region=…',
  }),
  cacheMaxBytes: knob({
    flag: 'cache-max-bytes',
    env: 'READFLOW_CACHE_MAX_BYTES',
    default: '2GiB',
    schema: sizeBytes,
    programs: ['up', 'compact', 'serve', 'lineage', 'replay', 'rollback', 'verify', 'sql', 'export'],
    doc: 'local copies of the files of an S3 lake that a program keeps; what it is reading stays beyond it',
  }),
  pollIntervalMs: knob({
    flag: 'poll-interval',
    env: 'READFLOW_POLL_INTERVAL',
    schema: durationMs,
    programs: ['up', 'poll'],
    doc: 'time between polls (default: 10m, sandbox 10s)',
  }),
  requestTimeoutMs: knob({
    flag: 'request-timeout',
    env: 'READFLOW_REQUEST_TIMEOUT',
    default: '30s',
    schema: durationMs,
    programs: ['up', 'poll', 'backfill'],
    doc: 'time limit of one request to the source',
  }),
  goodreadsUserIds: knob({
    flag: 'users',
    env: 'GOODREADS_USERS',
    schema: list,
    programs: ['up', 'poll', 'backfill'],
    doc: 'user ids whose review lists are polled too, with commas between',
  }),
  goodreadsApiKey: knob({
    env: 'GOODREADS_API_KEY',
    schema: text,
    isSecret: true,
    programs: ['up', 'poll', 'backfill'],
    doc: 'developer key of the GoodReads API',
  }),
  flushIntervalMs: knob({
    flag: 'flush-interval',
    env: 'READFLOW_FLUSH_INTERVAL',
    default: '10s',
    schema: durationMs,
    programs: ['up', 'consume'],
    doc: 'longest time a record waits before its micro-batch is committed',
  }),
  flushMaxRows: knob({
    flag: 'flush-max-rows',
    env: 'READFLOW_FLUSH_MAX_ROWS',
    default: '50000',
    schema: count(1),
    programs: ['up', 'consume', 'replay', 'rollback'],
    doc: 'rows after which a micro-batch is committed, or staged by a replay',
  }),
  flushMaxBytes: knob({
    flag: 'flush-max-bytes',
    env: 'READFLOW_FLUSH_MAX_BYTES',
    default: '4MiB',
    schema: sizeBytes,
    programs: ['up', 'consume', 'replay', 'rollback'],
    doc: 'bytes after which a micro-batch is committed, or staged by a replay',
  }),
  stages: knob({
    flag: 'stages',
    env: 'READFLOW_STAGES',
    default: 'bronze,silver,clean',
    schema: consumed,
    programs: ['up', 'consume'],
    doc: 'which stages this process runs: bronze, silver, clean',
  }),
  drift: knob({
    flag: 'drift',
    env: 'READFLOW_DRIFT',
    schema: driftPolicies,
    programs: ['up', 'poll', 'consume', 'backfill', 'dlq', 'replay', 'rollback', 'reparse'],
    doc: 'what becomes of fields that nobody knew: ENTITY=evolve|freeze|discard, with commas between (books=freeze,reviews=discard); an entity that is not named evolves',
  }),
  pausedStages: knob({
    flag: 'paused',
    env: 'READFLOW_PAUSED',
    schema: pausableNames,
    programs: ['up'],
    doc: `stages that start paused, until \`readflow resume\`: ${stageNames.join(', ')}`,
  }),
  timeoutMs: knob({
    flag: 'timeout',
    default: '2m',
    schema: durationMs,
    programs: ['pause', 'resume', 'run', 'retry', 'restart'],
    doc: 'longest time to wait until it is so',
  }),
  isJson: knob({
    flag: 'json',
    schema: aSwitch,
    isSwitch: true,
    programs: [
      'pause',
      'resume',
      'optimize',
      'vacuum',
      'gate',
      'history',
      'lineage',
      'verify',
      'keys',
      'stages',
      'run',
      'retry',
      'restart',
      'status',
      'doctor',
      'backfill',
      'dlq',
      'replay',
      'rollback',
      'reparse',
    ],
    doc: 'print one JSON line, for machines',
  }),
  version: knob({
    flag: 'version',
    schema: count(0),
    programs: ['lineage', 'sql', 'export'],
    doc: "the Gold version to look at, or of a table of another layer that table's own (default: the newest)",
  }),
  why: knob({
    flag: 'why',
    schema: text.transform((value) => value.trim().replaceAll(/\s+/g, ' ')).pipe(text),
    programs: ['gate', 'dlq'],
    doc: 'why a held run is released, or dead letters are discarded: it goes on record',
  }),
  areFieldsCompared: knob({
    flag: 'fields',
    schema: aSwitch,
    isSwitch: true,
    programs: ['verify'],
    doc: 'compare every field with the records in Kafka too; needs the schema registry, and four times as long',
  }),
  isLossAccepted: knob({
    flag: 'accept-loss',
    env: 'READFLOW_ACCEPT_LOSS',
    schema: aSwitch,
    isSwitch: true,
    programs: ['up', 'consume'],
    doc: 'go on where Kafka no longer has the next records or has damaged them; each gap is kept by name in the table',
  }),
  buildIntervalMs: knob({
    flag: 'build-interval',
    env: 'READFLOW_BUILD_INTERVAL',
    default: '10s',
    schema: durationMs,
    programs: ['up', 'compact'],
    doc: 'time between looks for new Silver versions to build Gold from',
  }),
  ...(apiKnobs satisfies Record<string, Knob>),
  ...(operateKnobs satisfies Record<string, Knob>),
  ...(letterKnobs satisfies Record<string, Knob>),
  ...(engineKnobs satisfies Record<string, Knob>),
  ...(upkeepKnobs satisfies Record<string, Knob>),
  ...(metricsKnobs satisfies Record<string, Knob>),
  ...(replayKnobs satisfies Record<string, Knob>),
  topicPartitions: knob({
    flag: 'partitions',
    env: 'READFLOW_PARTITIONS',
    default: '4',
    schema: count(1, 1000),
    programs: ['up', 'poll', 'consume', 'backfill'],
    doc: 'partitions of a topic that does not exist yet',
  }),
  replicationFactor: knob({
    env: 'READFLOW_REPLICATION_FACTOR',
    default: '1',
    schema: count(1, 32),
    programs: ['up', 'poll', 'consume', 'backfill', 'doctor', 'dlq'],
    doc: 'replicas of a topic that does not exist yet; min.insync.replicas is one less, at least 1',
  }),
  logLevel: knob({
    flag: 'log-level',
    env: 'READFLOW_LOG_LEVEL',
    default: 'info',
    schema: z.enum(['debug', 'info', 'warn', 'error']),
    programs: [...all, 'replay', 'rollback', 'reparse'],
    doc: 'debug, info, warn or error',
  }),
} as const

export type Knobs = typeof knobs
export type KnobName = keyof Knobs
