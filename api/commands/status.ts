import { openStore } from '../../lake/store/open.ts'
import { parseConfig } from '../../runtime/config/config.ts'
import { openBrowser } from '../../runtime/kafka/second/browser.ts'
import { runProgram } from '../../runtime/lifecycle.ts'
import { createRedactor } from '../../runtime/redact-text.ts'
import { checkRegistry } from '../../runtime/registry.ts'
import { readRunFile } from '../../runtime/run-file.ts'
import { askUp } from '../../runtime/up-control.ts'
import type { Facts } from '../operate/facts.ts'
import { exitCodeOf, judge } from '../operate/judge.ts'
import { asked, lookAtKafka, lookAtLake } from '../operate/look.ts'
import { statusJson, statusLines } from '../operate/show.ts'
import { openRunsReader } from '../pipeline/runs.ts'

const PATIENCE_MS = 5000
const WITHIN_MS = 12_000
const UP_WITHIN_MS = 3000
const REGISTRY_WITHIN_MS = 5000

/** `readflow status`: needs neither the API nor `up`; what it can't ask, it says. */
await runProgram(
  'status',
  async ({ argv, env, signal, defer }) => {
    const config = parseConfig('status', argv, env)
    if (!config) return 0
    const store = openStore(config.lakeUrl, { signal, patienceMs: PATIENCE_MS, requestTimeoutMs: PATIENCE_MS })
    defer(() => store.close())
    const run = readRunFile(config.dataDir)
    const control = run?.control
    const lookAtUp = control ? asked(async () => (await askUp({ run, control }, null, signal)).status, UP_WITHIN_MS) : null
    const lookAtApi = run?.apiUrl
      ? asked(async () => {
          const { ok, status } = await fetch(`${run.apiUrl}/healthz`, { signal: AbortSignal.timeout(UP_WITHIN_MS) })
          if (!ok) throw new Error(`/healthz answers ${status}`)
          return true as const
        }, UP_WITHIN_MS)
      : null
    const registryUrl = config.schemaRegistryUrl
    const lookAtRegistry = registryUrl
      ? asked(() => checkRegistry(registryUrl, REGISTRY_WITHIN_MS).then(() => true as const), 2 * REGISTRY_WITHIN_MS)
      : null
    const lake = await asked(() => lookAtLake(store, openRunsReader({ store })), WITHIN_MS)
    const brokers = config.kafkaBrokers
    const lookNow = async () => {
      const browser = await openBrowser({ brokers: brokers ?? [], clientId: 'readflow-status' })
      try {
        return await lookAtKafka(browser, lake.answer?.ledgers ?? [], Date.now())
      } finally {
        await browser.close()
      }
    }
    // After the lake, whose ledgers it takes: a lake that is slow takes no time from Kafka.
    const kafka = brokers ? await asked(lookNow, WITHIN_MS) : null
    const found = { up: await lookAtUp, api: await lookAtApi, registry: await lookAtRegistry }
    const facts: Facts = { ...found, lake, kafka, nowMs: Date.now() }
    const objectiveMs = config.freshnessObjectiveMs
    const redact = createRedactor(env)
    const findings = judge(facts, { objectiveMs }).map((each) => ({ ...each, what: redact(each.what) }))
    const text = config.isJson
      ? JSON.stringify(statusJson(facts, findings, objectiveMs))
      : statusLines(facts, findings, objectiveMs).map(redact).join('\n')
    process.stdout.write(`${text}\n`)
    return exitCodeOf(findings)
  },
  { failureCode: 2 },
)
