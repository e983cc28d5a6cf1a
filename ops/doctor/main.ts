import path from 'node:path'
import { openStore } from '../../lake/store/open.ts'
import { type Config, parseConfig } from '../../runtime/config/config.ts'
import { openKafka } from '../../runtime/kafka/client.ts'
import { openBrowser } from '../../runtime/kafka/second/browser.ts'
import { runProgram } from '../../runtime/lifecycle.ts'
import { lineText } from '../../runtime/line-text.ts'
import { createLog } from '../../runtime/log.ts'
import { createRedactor } from '../../runtime/redact-text.ts'
import { openRegistry } from '../../runtime/registry.ts'
import { readRunFile } from '../../runtime/run-file.ts'
import { catalogue, entityNames, topicNames } from '../../schemas/catalogue.ts'
import { cleanSubject } from '../../schemas/clean.ts'
import { systemTables } from '../../schemas/system-tables.ts'
import { cleanTopicSpec, topicSpecs } from '../../schemas/topics.ts'
import { type Check, fail, looked, ok, warn } from './check.ts'
import { checkClock, checkGroups, checkTopic } from './kafka.ts'
import { checkStore, checkTable } from './lake.ts'
import { checkLogs } from './logs.ts'
import { checkDataFolder, checkDisk, checkJava, checkMaven, checkNode, checkPort } from './machine.ts'
import { checkSubject } from './registry.ts'

const PATIENCE_MS = 5000
const GROUPS = ['readflow.bronze', 'readflow.silver', 'readflow.clean']
const marks = { ok: 'ok  ', warn: 'WARN', fail: 'FAIL' } as const

/** `readflow doctor`: looks at everything, a line each, also where other things are away. */
await runProgram('doctor', async ({ argv, env, signal, defer }) => {
  const config = parseConfig('doctor', argv, env)
  if (!config) return 0
  const redact = createRedactor(env)
  const all: Check[] = []
  const tell = (checks: readonly Check[]) => {
    for (const check of checks) {
      const safe = { ...check, what: redact(check.what), todo: check.todo === null ? null : redact(check.todo) }
      all.push(safe)
      if (config.isJson) continue
      process.stdout.write(
        `${marks[safe.level]} ${safe.name}: ${lineText(safe.what.replace(/\.$/, ''))}${safe.todo === null ? '' : `\n     → ${lineText(safe.todo)}`}\n`,
      )
    }
  }
  const isUp = readRunFile(config.dataDir) !== null
  tell(await machineChecks(config, env, isUp))
  tell(await kafkaChecks(config, isUp))
  tell(await registryChecks(config))
  const store = openStore(config.lakeUrl, { signal, patienceMs: PATIENCE_MS, requestTimeoutMs: PATIENCE_MS })
  defer(() => store.close())
  tell(await looked('lake put-if-absent', async () => [await checkStore(store, { isUp })]))
  const roots = [
    ...topicNames.map((name) => `bronze/${name}`),
    ...entityNames.map((name) => `silver/${name}`),
    ...Object.keys(systemTables).map((name) => `ops/${name}`),
  ]
  for (const root of roots) tell(await looked(`table ${root.replace('/', '.')}`, () => checkTable(store, root, config.targetBytes)))
  tell(await looked('logs', () => checkLogs(path.join(config.dataDir, 'logs'), Date.now(), redact)))
  const countOf = (level: Check['level']) => all.filter((check) => check.level === level).length
  const counts = { ok: countOf('ok'), warn: countOf('warn'), fail: countOf('fail') }
  process.stdout.write(
    config.isJson
      ? `${JSON.stringify({ ok: counts.fail === 0, counts, checks: all })}\n`
      : `${counts.ok} ok, ${counts.warn} to look at, ${counts.fail} failed\n`,
  )
  return counts.fail === 0 ? 0 : 1
})

async function machineChecks(config: Config, env: NodeJS.ProcessEnv, isUp: boolean): Promise<Check[]> {
  // Where broker and registry are somebody else's, no local ones are started.
  const needsStack = !config.explicit.has('kafkaBrokers') || !config.explicit.has('schemaRegistryUrl')
  const ports = [
    ['port of the API', config.port, '--port', config.explicit.has('port')],
    ['port of Kafka', config.kafkaPort, '--kafka-port', config.explicit.has('kafkaPort')],
    ['port of the registry', config.registryPort, '--registry-port', config.explicit.has('registryPort')],
  ] as const
  return (
    await Promise.all([
      looked('node', () => [checkNode(process.version)]),
      looked('java', async () => [await checkJava(env, needsStack)]),
      looked('maven', async () => [await checkMaven(env, needsStack)]),
      ...ports.map(([name, port, flag, isExplicit]) =>
        looked(name, async () => [await checkPort(name, { port, flag, isExplicit, isOurs: isUp })]),
      ),
      looked('disk', async () => [await checkDisk(config.dataDir)]),
      looked('data folder', () => checkDataFolder(config.dataDir)),
    ])
  ).flat()
}

async function kafkaChecks({ kafkaBrokers: brokers, topicPartitions, replicationFactor }: Config, isUp: boolean): Promise<Check[]> {
  const name = 'broker'
  if (!brokers) return [warn(name, 'none is known: nothing runs on this data folder', 'Start it with npm start, or set KAFKA_BROKERS.')]
  return looked(name, async () => {
    const client = await openKafka({ brokers, clientId: 'readflow-doctor', log: createLog('doctor', 'silent') })
    const browser = await openBrowser({ brokers, clientId: 'readflow-doctor' })
    try {
      const sizes = { partitions: topicPartitions, replicationFactor }
      const specs = [...topicSpecs(sizes), ...entityNames.map((entity) => cleanTopicSpec(entity, sizes))]
      const [topics, groups] = await Promise.all([browser.topics(specs.map(({ topic }) => topic)), browser.groups()])
      const clocks = await looked('clocks', async () => [await checkClock(client, replicationFactor)])
      return [
        ok(name, `${brokers.join(', ')} answers (cluster ${client.clusterId})`),
        ...clocks,
        ...specs.flatMap((spec) =>
          checkTopic(
            spec,
            topics.find((topic) => topic.name === spec.topic),
          ),
        ),
        ...checkGroups(groups, GROUPS, { isUp }),
      ]
    } finally {
      await Promise.all([browser.close(), client.close()])
    }
  })
}

async function registryChecks({ schemaRegistryUrl: url }: Config): Promise<Check[]> {
  const name = 'registry'
  if (!url) return [warn(name, 'none is known: nothing runs on this data folder', 'Start it with npm start, or set SCHEMA_REGISTRY_URL.')]
  if (!URL.canParse(url)) return [fail(name, 'its address is no URL', 'Write SCHEMA_REGISTRY_URL as http://host:port/…')]
  return looked(name, async () => {
    const registry = openRegistry(url, { requestTimeoutMs: PATIENCE_MS })
    const subjects = [...topicNames.map((topic) => catalogue[topic].subject), ...entityNames.map(cleanSubject)]
    const checks = await Promise.all(subjects.map((subject) => checkSubject(registry, subject)))
    return [ok(name, `${new URL(url).host} answers`), ...checks]
  })
}
