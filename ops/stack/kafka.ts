import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { promisify } from 'node:util'
import { ReadflowError } from '../../runtime/errors.ts'
import type { Log } from '../../runtime/log.ts'
import type { Artifacts } from './artifacts.ts'
import { classArchive, whileArchiving } from './class-archive.ts'
import { javaEnv } from './java.ts'
import { BROKER_JVM, SMALL_JVM, serverFlags } from './jvm.ts'
import { tellingLine } from './log-tail.ts'
import { answers } from './ports.ts'
import type { ServiceSpec } from './service.ts'

const run = promisify(execFile)
const HOST = '127.0.0.1'
const FORMAT_TIMEOUT_MS = 60_000

/**
 * The broker's server.properties: one node that is broker and controller. Paths are relative to its working
 * folder, as the format escapes much and `log.dirs` takes commas for lists.
 */
export const renderKafkaConfig = ({ port, controllerPort }: { port: number; controllerPort: number }): string =>
  [
    'process.roles=broker,controller',
    'node.id=1',
    `controller.quorum.voters=1@${HOST}:${controllerPort}`,
    `listeners=PLAINTEXT://${HOST}:${port},CONTROLLER://${HOST}:${controllerPort}`,
    `advertised.listeners=PLAINTEXT://${HOST}:${port}`,
    'inter.broker.listener.name=PLAINTEXT',
    'controller.listener.names=CONTROLLER',
    'listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT',
    'log.dirs=log',
    'auto.create.topics.enable=false',
    'message.max.bytes=16777216',
    'replica.fetch.max.bytes=16777216',
    '# One node: what Kafka keeps for itself has one replica.',
    'default.replication.factor=1',
    'min.insync.replicas=1',
    'offsets.topic.replication.factor=1',
    'transaction.state.log.replication.factor=1',
    'transaction.state.log.min.isr=1',
    'share.coordinator.state.topic.replication.factor=1',
    'share.coordinator.state.topic.min.isr=1',
    '# Few partitions and threads: a fast start on a small machine.',
    'offsets.topic.num.partitions=8',
    'transaction.state.log.num.partitions=8',
    'share.coordinator.state.topic.num.partitions=2',
    'num.network.threads=2',
    'num.io.threads=4',
    'num.recovery.threads.per.data.dir=2',
    'background.threads=4',
    'log.cleaner.dedupe.buffer.size=16777216',
    'group.initial.rebalance.delay.ms=0',
    '# After a kill -9 the new process waits until the session of the old one is over.',
    'broker.session.timeout.ms=6000',
    'broker.heartbeat.interval.ms=1000',
    '',
  ].join('\n')

const log4jConfig = `status=error
appender.out.type=Console
appender.out.name=out
appender.out.layout.type=PatternLayout
appender.out.layout.pattern=%d{ISO8601} %p %m (%c{1})%n
rootLogger.level=warn
rootLogger.appenderRef.out.ref=out
logger.server.name=kafka.server.KafkaRaftServer
logger.server.level=info
logger.log.name=kafka.log.LogManager
logger.log.level=info
logger.app.name=org.apache.kafka.common.utils.AppInfoParser
logger.app.level=error
`

const kafkaDir = (dataDir: string) => path.join(dataDir, 'kafka')
/** Where Java finds Kafka's classes, its command-line tools among them. */
export const kafkaClasspath = (artifacts: Artifacts) => path.join(artifacts.kafkaDir, '*')

/** Kafka's classes, for the broker and for its tools. */
export const kafkaArchive = ({ artifacts, ...java }: { artifacts: Artifacts; javaVersion: string; isMade?: boolean }) =>
  classArchive({ dir: artifacts.dir, name: 'kafka', ...java })

/** The cluster's id, made up once: topics, offsets and the tables' progress belong to it. */
const clusterId = (dir: string): string => {
  const file = path.join(dir, 'cluster-id')
  if (!existsSync(file)) writeFileSync(file, randomBytes(16).toString('base64url'))
  return readFileSync(file, 'utf8').trim()
}

interface KafkaOptions {
  dataDir: string
  port: number
  controllerPort: number
  java: string
  javaVersion: string
  /** Whether a run that finds no archive of its classes leaves one. */
  isArchiving: boolean
  artifacts: Artifacts
  env: NodeJS.ProcessEnv
  log: Log
}

/**
 * Writes the broker's configuration and, the first time, formats its storage. Throws ReadflowError
 * `stack-failed` with Kafka's reason.
 */
export const prepareKafka = async ({
  dataDir,
  port,
  controllerPort,
  java,
  javaVersion,
  artifacts,
  env,
  signal,
}: KafkaOptions & { signal?: AbortSignal }): Promise<void> => {
  const dir = kafkaDir(dataDir)
  mkdirSync(dir, { recursive: true })
  writeFileSync(path.join(dir, 'server.properties'), renderKafkaConfig({ port, controllerPort }))
  writeFileSync(path.join(dir, 'log4j2.properties'), log4jConfig)
  const stamp = path.join(dir, 'formatted')
  if (existsSync(stamp) && existsSync(path.join(dir, 'log', 'meta.properties'))) return
  const args = [
    ...SMALL_JVM,
    ...kafkaArchive({ artifacts, javaVersion }).flags,
    '-Dlog4j2.configurationFile=log4j2.properties',
    '-cp',
    kafkaClasspath(artifacts),
    'kafka.tools.StorageTool',
  ]
  try {
    // Formatting twice is nothing: an interrupted one is made whole, and data is never touched.
    await run(java, [...args, 'format', '--ignore-formatted', `--cluster-id=${clusterId(dir)}`, '-c', 'server.properties'], {
      cwd: dir,
      env: javaEnv(env),
      signal,
      timeout: FORMAT_TIMEOUT_MS,
    })
  } catch (cause) {
    signal?.throwIfAborted()
    const { stderr = '', stdout = '' } = cause as { stderr?: string; stdout?: string }
    throw new ReadflowError(
      'stack-failed',
      `Kafka's storage in ${dir} could not be formatted: ${tellingLine(`${stdout}\n${stderr}`) ?? cause}.`,
      { cause },
    )
  }
  writeFileSync(stamp, '')
}

/** How to run the broker; `prepareKafka` must have run. */
export const kafkaSpec = ({ dataDir, port, java, javaVersion, isArchiving, artifacts, env, log }: KafkaOptions): ServiceSpec => {
  const dir = kafkaDir(dataDir)
  const archive = kafkaArchive({ artifacts, javaVersion, isMade: isArchiving })
  return {
    name: 'kafka',
    title: 'Kafka',
    dataDir,
    address: `${HOST}:${port}`,
    command: java,
    args: [
      ...BROKER_JVM,
      ...serverFlags({ dataDir, name: 'kafka', archive }),
      '-Dlog4j2.configurationFile=log4j2.properties',
      '-cp',
      kafkaClasspath(artifacts),
      'kafka.Kafka',
      'server.properties',
    ],
    env: javaEnv(env),
    cwd: dir,
    isReady: () => isKafkaReady(port, clusterId(dir), log),
    ...whileArchiving(archive),
  }
}

/** Whether the broker answers a metadata request and is ours: another one may have taken the port since it was found free. */
const isKafkaReady = async (port: number, ownClusterId: string, log: Log): Promise<boolean> => {
  if (!(await answers(port))) return false
  const { openKafka } = await import('../../runtime/kafka/client.ts')
  const kafka = await openKafka({ brokers: [`${HOST}:${port}`], clientId: 'readflow-stack', log: log.child({}, { level: 'silent' }) })
  await kafka.close()
  return kafka.clusterId === ownClusterId
}
