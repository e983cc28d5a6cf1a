import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import path from 'node:path'
import type { TestContext } from 'node:test'
import { startPrometheus, startServer } from '../../helpers/prometheus.ts'
import { ruleFiles, scaleToSeconds } from '../../helpers/rules.ts'
import { root } from '../../helpers/up.ts'

interface Message {
  status: 'firing' | 'resolved'
  alerts: { labels: Record<string, string>; status: string }[]
}

/** A receiver of Alertmanager's messages. */
const startReceiver = async (t: Pick<TestContext, 'after'>) => {
  const messages: Message[] = []
  const server = createServer(async (request, response) => {
    let body = ''
    for await (const piece of request) body += piece
    messages.push(JSON.parse(body))
    response.end()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => server.close())
  return { messages, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/` }
}

/**
 * Rules as a test has them: a minute lasts a second. What does not shrink with time is made to fit: in a minute of a test there
 * are no 500 files, and a record takes some seconds to the reader however well all goes.
 */
const rulesOfTest = (text: string): string =>
  scaleToSeconds(text)
    .replace('readflow_table_files > 500', 'readflow_table_files > 60')
    .replace('readflow:freshness_seconds:p95_30m > 2', 'readflow:freshness_seconds:p95_30m > 30')

/** Prometheus and Alertmanager with the project's own files, a minute of which lasts a second. */
export const startMonitoring = async (t: Pick<TestContext, 'after'>, dir: string, targets: string) => {
  const { messages, url: webhook } = await startReceiver(t)
  const read = (file: string) => readFileSync(path.join(root, 'ops', file), 'utf8')
  const route = scaleToSeconds(read('alertmanager/alertmanager.yml')).replaceAll('http://127.0.0.1:9095/', webhook)
  writeFileSync(path.join(dir, 'alertmanager.yml'), route)
  const alertmanager = await startServer(t, dir, 'prometheus-alertmanager', [
    '--config.file=alertmanager.yml',
    '--storage.path=alertmanager',
    '--cluster.listen-address=',
  ])
  mkdirSync(path.join(dir, 'rules'), { recursive: true })
  for (const [file, text] of ruleFiles()) writeFileSync(path.join(dir, 'rules', file), rulesOfTest(text))
  const config = read('prometheus/prometheus.yml')
    .replaceAll(/(scrape_interval|scrape_timeout): \d+s/g, '$1: 2s')
    .replaceAll(/(evaluation_interval|refresh_interval): \d+s/g, '$1: 1s')
    .replace(/- files: \[.*\]/, `- files: ['${targets}']`)
    .replace('127.0.0.1:9093', `127.0.0.1:${alertmanager}`)
  const prometheus = await startPrometheus(t, { dir, config })
  /** How many messages of that status told of an alert of a program. */
  const told = (name: string, program: string, status: Message['status']) =>
    messages.filter(
      (message) =>
        message.status === status && message.alerts.some(({ labels }) => labels['alertname'] === name && labels['program'] === program),
    ).length
  return { ...prometheus, told }
}
