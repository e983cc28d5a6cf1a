import { openStore } from '../../lake/store/open.ts'
import { parseConfig } from '../../runtime/config/config.ts'
import { openKafka } from '../../runtime/kafka/client.ts'
import { openSecondReader } from '../../runtime/kafka/second/reader.ts'
import { runProgram } from '../../runtime/lifecycle.ts'
import { createLog } from '../../runtime/log.ts'
import { openRegistry } from '../../runtime/registry.ts'
import { requireBrokers, requireServices } from '../../runtime/services.ts'
import { asked } from './asked.ts'
import { runCommand } from './command.ts'
import { jsonText } from './show.ts'

await runProgram('dlq', async ({ argv, env, signal, defer }) => {
  const config = parseConfig('dlq', argv, env)
  if (!config) return
  const what = asked(config)
  const brokers = requireBrokers(config)
  const store = openStore(config.lakeUrl, { signal })
  defer(() => store.close())
  const reader = await openSecondReader({ brokers, clientId: 'readflow-dlq' })
  defer(() => reader.close())
  const client = async () => {
    const opened = await openKafka({ brokers, clientId: 'readflow-dlq', log: createLog('dlq', 'error') })
    defer(() => opened.close())
    return opened
  }
  const registry = () => openRegistry(requireServices(config).registryUrl)
  const onProgress = (line: string) => void process.stderr.write(`${line}\n`)
  const { report, text } = await runCommand({ config, reader, store, registry, client, signal, onProgress }, what)
  // Waited for, as the process ends at once afterwards and a pipe takes long lists piece by piece.
  await new Promise<void>((resolve) => process.stdout.write(config.isJson ? `${jsonText(report)}\n` : text(), () => resolve()))
})
