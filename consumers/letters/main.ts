import { openStore } from '../../lake/store/open.ts'
import { parseConfig } from '../../runtime/config/config.ts'
import { openKafka } from '../../runtime/kafka/client.ts'
import { openSecondReader } from '../../runtime/kafka/second/reader.ts'
import { runProgram } from '../../runtime/lifecycle.ts'
import { createLog } from '../../runtime/log.ts'
import { openRegistry } from '../../runtime/registry.ts'
import { requireBrokers, requireServices } from '../../runtime/services.ts'
import { within } from '../../runtime/within.ts'
import { asked } from './asked.ts'
import { runCommand } from './command.ts'
import { jsonText } from './show.ts'

const CLOSE_MS = 1000

/** Rejects with the signal's reason when it is aborted. */
const untilStopped = (signal: AbortSignal) =>
  new Promise<never>((_, reject) => {
    if (signal.aborted) reject(signal.reason)
    signal.addEventListener('abort', () => reject(signal.reason), { once: true })
  })

await runProgram('dlq', async ({ argv, env, signal, defer }) => {
  const config = parseConfig('dlq', argv, env)
  if (!config) return
  const what = asked(config)
  const brokers = requireBrokers(config)
  const store = openStore(config.lakeUrl, { signal })
  defer(() => store.close())
  const stopped = untilStopped(signal)
  const reader = await Promise.race([openSecondReader({ brokers, clientId: 'readflow-dlq' }), stopped])
  // A broker that hangs answers no goodbye.
  defer(() => within(reader.close(), CLOSE_MS).catch(() => undefined))
  const client = async () => {
    const opened = await openKafka({ brokers, clientId: 'readflow-dlq', log: createLog('dlq', 'error') })
    defer(() => opened.close())
    return opened
  }
  const registry = () => openRegistry(requireServices(config).registryUrl)
  const onProgress = (line: string) => void process.stderr.write(`${line}\n`)
  const work = runCommand({ config, reader, store, registry, client, signal, onProgress }, what)
  // What only reads may be left where it stands, also in the midst of waiting for a broker.
  const changes = (what.action === 'redrive' || what.action === 'discard') && !config.isDryRun
  const { report, text } = await (changes ? work : Promise.race([work, stopped]))
  // Waited for, as the process ends at once afterwards and a pipe takes long lists piece by piece.
  await new Promise<void>((resolve) => process.stdout.write(config.isJson ? `${jsonText(report)}\n` : text(), () => resolve()))
})
