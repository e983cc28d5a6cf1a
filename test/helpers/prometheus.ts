import { spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import path from 'node:path'
import type { TestContext } from 'node:test'
import { pickPort } from '../../ops/stack/ports.ts'
import { until } from './up.ts'

/** Series of an answer, with their values as text. */
export type Series = { metric: Record<string, string>; value: [number, string] }[]

/** Runs a server of the monitoring in a folder until the test ends; it listens on the port that is given back. */
export const startServer = async (t: Pick<TestContext, 'after'>, dir: string, command: string, args: string[]): Promise<number> => {
  const { port } = await pickPort({ port: 0, isExplicit: false, flag: '--web.listen-address' })
  const child = spawn(command, [...args, `--web.listen-address=127.0.0.1:${port}`], { cwd: dir, stdio: 'ignore' })
  const closed = new Promise((resolve) => child.once('close', resolve))
  t.after(() => {
    child.kill('SIGTERM')
    return closed
  })
  return port
}

/** Has a Prometheus scrape what `targetsFile` names each second, as ops/prometheus/prometheus.yml does each 15. */
export const scrapeConfig = (targetsFile: string): string =>
  // JSON is YAML.
  JSON.stringify({
    global: { scrape_interval: '1s', scrape_timeout: '1s', evaluation_interval: '1s' },
    scrape_configs: [{ job_name: 'readflow', file_sd_configs: [{ files: [targetsFile], refresh_interval: '1s' }] }],
  })

/** A real Prometheus with that configuration, whose own paths are of `dir`. */
export const startPrometheus = async (t: Pick<TestContext, 'after'>, { dir, config }: { dir: string; config: string }) => {
  writeFileSync(path.join(dir, 'prometheus.yml'), config)
  const args = ['--config.file=prometheus.yml', '--storage.tsdb.path=prometheus', '--log.level=warn']
  const url = `http://127.0.0.1:${await startServer(t, dir, 'prometheus', args)}`
  await until('Prometheus', async () => (await fetch(`${url}/-/ready`).catch(() => null))?.ok)
  const ask = async (place: string, parameters: Record<string, string>) => {
    const answer = (await (await fetch(`${url}/api/v1/${place}?${new URLSearchParams(parameters)}`)).json()) as {
      status: string
      error?: string
      data: unknown
    }
    if (answer.status !== 'success') throw new Error(`${JSON.stringify(parameters)}: ${answer.error}`)
    return answer.data
  }
  return {
    query: async (query: string) => ((await ask('query', { query })) as { result: Series }).result,
    labelValues: async (metric: string, label: string) => (await ask(`label/${label}/values`, { 'match[]': metric })) as string[],
    /** Labels of the alerts that fire. */
    firing: async () => {
      const { alerts } = (await ask('alerts', {})) as { alerts: { labels: Record<string, string>; state: string }[] }
      return alerts.filter(({ state }) => state === 'firing').map(({ labels }) => labels)
    },
  }
}
