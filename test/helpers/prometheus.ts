import { spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import path from 'node:path'
import { until } from './up.ts'

const freePort = () =>
  new Promise<number>((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number }
      server.close(() => resolve(port))
    })
  })

/** Series of an answer, with their values as text. */
export type Series = { metric: Record<string, string>; value: [number, string] }[]

/** A real Prometheus that scrapes what `targetsFile` names each second, as ops/prometheus/prometheus.yml does each 15. */
export const startPrometheus = async (
  t: { after: (release: () => Promise<unknown>) => void },
  { dir, targetsFile }: { dir: string; targetsFile: string },
) => {
  const config = {
    global: { scrape_interval: '1s', scrape_timeout: '1s', evaluation_interval: '1s' },
    scrape_configs: [{ job_name: 'readflow', file_sd_configs: [{ files: [targetsFile], refresh_interval: '1s' }] }],
  }
  // JSON is YAML.
  writeFileSync(path.join(dir, 'prometheus.yml'), JSON.stringify(config))
  const port = await freePort()
  const child = spawn(
    'prometheus',
    ['--config.file=prometheus.yml', `--web.listen-address=127.0.0.1:${port}`, '--storage.tsdb.path=data', '--log.level=warn'],
    { cwd: dir, stdio: 'ignore' },
  )
  const ended = new Promise((resolve) => child.once('exit', resolve))
  t.after(() => {
    child.kill('SIGTERM')
    return ended
  })
  const url = `http://127.0.0.1:${port}`
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
  }
}
