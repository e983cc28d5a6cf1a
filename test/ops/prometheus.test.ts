import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { targetsFile } from '../../ops/up/targets.ts'
import { knobs } from '../../runtime/config/knobs.ts'
import { metricsPorts } from '../../runtime/config/metrics-knobs.ts'
import { documentedMetrics, faultsOf } from '../helpers/metrics.ts'
import { tool } from '../helpers/tool.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const folder = path.join(root, 'ops/prometheus')
const read = (file: string) => readFileSync(path.join(root, file), 'utf8')
const skip = tool('promtool', ['--version'], 'sudo apt-get install prometheus')

test('the scrape configurations are what Prometheus takes', { skip }, () => {
  for (const file of ['prometheus.yml', 'compose.yml']) {
    const { status, stdout, stderr } = spawnSync('promtool', ['check', 'config', path.join(folder, file)], { encoding: 'utf8' })
    assert.equal(status, 0, `${stdout}${stderr}`)
  }
})

test("prometheus.yml reads the file that `up` keeps in the checkout's own data folder", () => {
  const [, file = ''] = /- files: \[(.*)\]/.exec(read('ops/prometheus/prometheus.yml')) ?? []
  assert.equal(path.resolve(folder, file), targetsFile(path.join(root, knobs.dataDir.default)))
})

test('compose.yml scrapes each program of docker-compose.yml on its port', () => {
  const targets = [...read('ops/prometheus/compose.yml').matchAll(/targets: \[(\w+):(\d+)\]\s+labels: \{ program: (\w+) \}/g)]
  const { up: _, ...ports } = metricsPorts
  assert.deepEqual(
    targets.map(([, host, port, program]) => [host, Number(port), program]),
    Object.entries({ ...ports, serve: Number(knobs.port.default) }).map(([program, port]) => [program, port, program]),
  )
  const compose = read('docker-compose.yml')
  for (const [, host] of targets) assert.match(compose, new RegExp(`^  ${host}:$`, 'm'))
  assert.match(compose, new RegExp(`READFLOW_ALLOWED_HOSTS: ${targets.map(([, host]) => host).join(',')}$`, 'm'))
})

test('documented names follow the conventions, and none is there twice', () => {
  const documented = documentedMetrics()
  assert.ok(documented.length > 80)
  assert.deepEqual(
    documented.flatMap(({ name, ...of }) => faultsOf(name, { ...of, help: 'documented' })),
    [],
  )
  assert.equal(new Set(documented.map(({ name }) => name)).size, documented.length)
})
