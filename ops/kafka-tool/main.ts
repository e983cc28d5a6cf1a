import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { parseConfig } from '../../runtime/config/config.ts'
import { ReadflowError } from '../../runtime/errors.ts'
import { runProgram } from '../../runtime/lifecycle.ts'
import { fetchArtifacts } from '../stack/artifacts.ts'
import { javaEnv, lookAtJava } from '../stack/java.ts'
import { SMALL_JVM } from '../stack/jvm.ts'
import { kafkaArchive, kafkaClasspath } from '../stack/kafka.ts'
import { help, parseToolCall } from './tools.ts'

const logConfig = fileURLToPath(new URL('./log4j2.properties', import.meta.url))

await runProgram('kafka-tool', async ({ argv, env, signal }) => {
  const call = parseToolCall(argv)
  if (!call) return void process.stdout.write(help)
  const config = parseConfig('kafka-tool', call.ours, env)
  if (!config) return
  const { className, args, needsBrokers, saysErrors } = call
  if (needsBrokers) {
    if (!config.kafkaBrokers)
      throw new ReadflowError('config', `No --bootstrap-server is given, and no up or stack runs on ${config.dataDir}.`, {
        hint: 'Name its folder: readflow kafka-tool --data DIR …',
      })
    args.unshift('--bootstrap-server', config.kafkaBrokers.join(','))
  }
  const { java, version: javaVersion } = await lookAtJava(env)
  const artifacts = await fetchArtifacts({ env, signal, onProgress: (line) => process.stderr.write(`${line}\n`) })
  const { flags } = kafkaArchive({ artifacts, javaVersion })
  const jvm = [...SMALL_JVM, ...flags, `-Dlog4j2.configurationFile=${logConfig}`]
  const child = spawn(java, [...jvm, '-cp', kafkaClasspath(artifacts), className, ...args], {
    env: javaEnv(env),
    // A console consumer's output is bytes, and none of ours.
    stdio: ['inherit', saysErrors ? 'pipe' : 'inherit', 'inherit'],
  })
  const exited = new Promise<number | null>((resolve, reject) => child.once('error', reject).once('exit', resolve))
  const stop = () => child.kill('SIGTERM')
  signal.addEventListener('abort', stop, { once: true })
  let error: string | null = null
  if (child.stdout) {
    for await (const line of createInterface({ input: child.stdout })) {
      if (line.startsWith('Error: ')) error ??= line.slice('Error: '.length)
      process.stdout.write(`${line}\n`)
    }
  }
  const code = await exited
  if (code !== 0) signal.throwIfAborted()
  if (!signal.aborted && (code !== 0 || error))
    throw new ReadflowError('kafka-invalid', `Kafka's tool refused${error ? `: ${error}` : ` (exit code ${code}).`}`)
})
