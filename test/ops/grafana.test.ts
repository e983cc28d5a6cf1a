import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { filledIn, labelVariables, readDashboards } from '../helpers/grafana.ts'
import { documentedMetrics } from '../helpers/metrics.ts'

const at = (file: string) => new URL(`../../${file}`, import.meta.url)
const read = (file: string) => readFileSync(at(file), 'utf8')
const dashboards = readDashboards()
const units = ['none', 'short', 's', 'bytes', 'percentunit', 'reqps', 'cps', 'ops']

test('dashboards have ids of their own, and panels that say what they show', () => {
  assert.ok(dashboards.length >= 6)
  assert.equal(new Set(dashboards.map(({ uid }) => uid)).size, dashboards.length)
  assert.equal(new Set(dashboards.map(({ title }) => title)).size, dashboards.length)
  for (const { file, uid, description, panels, templating } of dashboards) {
    assert.equal(`${uid}.json`, `readflow-${file}`)
    assert.ok(description.endsWith('.'), file)
    assert.ok(templating.list.some(({ name, type, query }) => name === 'datasource' && type === 'datasource' && query === 'prometheus'))
    assert.equal(new Set(panels.map(({ id }) => id)).size, panels.length, file)
    assert.equal(new Set(panels.map(({ title }) => title)).size, panels.length, file)
    for (const { title, description: said, datasource, fieldConfig, targets, type } of panels) {
      const what = `${file}: ${title}`
      assert.ok(title !== '' && said.endsWith('.'), what)
      assert.ok(['stat', 'timeseries'].includes(type), what)
      assert.deepEqual(datasource, { type: 'prometheus', uid: `\${datasource}` }, what)
      assert.ok(units.includes(fieldConfig.defaults.unit ?? ''), `${what}: unit ${fieldConfig.defaults.unit}`)
      assert.ok(targets.length > 0, what)
      assert.equal(new Set(targets.map(({ refId }) => refId)).size, targets.length, what)
    }
  }
})

test('no panel lies over another, or beside the grid', () => {
  for (const { file, panels } of dashboards) {
    const cells = new Set<string>()
    for (const { title, gridPos } of panels) {
      const { x, y, w, h } = gridPos
      assert.ok(x >= 0 && y >= 0 && w > 0 && h > 0 && x + w <= 24, `${file}: ${title}`)
      for (let column = x; column < x + w; column++)
        for (let row = y; row < y + h; row++) {
          assert.ok(!cells.has(`${column},${row}`), `${file}: ${title} lies over another`)
          cells.add(`${column},${row}`)
        }
    }
  }
})

test('queries ask only for documented metrics, with variables that are there, each of which is used', () => {
  const documented = new Map(documentedMetrics().map(({ name, type }) => [name, type]))
  const isKnown = (name: string) => {
    const base = name.replace(/_(bucket|sum|count)$/, '')
    return documented.has(name) || documented.get(base) === 'histogram'
  }
  for (const dashboard of dashboards) {
    const own = labelVariables(dashboard)
    for (const { name, metric } of own) assert.ok(isKnown(metric), `${dashboard.file}: $${name} asks for ${metric}`)
    const values = Object.fromEntries([...own.map(({ name }) => [name, '.*']), ['__rate_interval', '1m']])
    const all = dashboard.panels.flatMap(({ targets }) => targets.map(({ expr }) => expr))
    for (const expr of all) {
      for (const [name] of filledIn(expr, values).matchAll(/\b(readflow|http|process|nodejs)_\w+/g))
        assert.ok(isKnown(name), `${dashboard.file}: ${expr} asks for ${name}`)
    }
    for (const { name } of own)
      assert.ok(
        all.some((expr) => expr.includes(`$${name}`)),
        `${dashboard.file}: nobody uses $${name}`,
      )
  }
})

test('runbooks that panels name are there', () => {
  const named = dashboards.flatMap(({ panels }) =>
    panels.flatMap(({ description }) => description.match(/ops\/runbooks\/[\w-]+\.md/g) ?? []),
  )
  assert.ok(named.length > 5)
  assert.deepEqual(
    named.filter((file) => !existsSync(at(file))),
    [],
  )
})

test('docker-compose.yml hands Grafana the files, the variables they name, and no password of its own', () => {
  const compose = read('docker-compose.yml')
  const service = compose.slice(compose.indexOf('  grafana:\n'), compose.indexOf('\nvolumes:\n'))
  const mounts = new Map([...service.matchAll(/^ +- \.\/(\S+):(\/\S+):ro$/gm)].map(([, from = '', to = '']) => [to, from]))
  assert.equal(mounts.size, 2)
  for (const from of mounts.values()) assert.ok(existsSync(at(from)), from)
  const variables = new Map([...service.matchAll(/^ {6}(\w+): (.*)$/gm)].map(([, name = '', value = '']) => [name, value]))
  const variableOf = (text: string, key: string) => {
    const [, name = ''] = new RegExp(`^ +${key}: \\$(\\w+)$`, 'm').exec(text) ?? []
    return variables.get(name)
  }
  const provider = read('ops/grafana/provisioning/dashboards/readflow.yml')
  assert.equal(mounts.get(variableOf(provider, 'path') ?? ''), 'ops/grafana/dashboards')
  const [, host = '', port = ''] =
    /^http:\/\/(\w+):(\d+)$/.exec(variableOf(read('ops/grafana/provisioning/datasources/prometheus.yml'), 'url') ?? '') ?? []
  assert.match(compose, new RegExp(`^  ${host}:$[^]*"127\\.0\\.0\\.1:${port}:${port}"`, 'm'))
  assert.equal(mounts.get('/etc/grafana/provisioning'), 'ops/grafana/provisioning')
  const home = variables.get('GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH') ?? ''
  assert.ok(existsSync(at(home.replace('/etc/grafana/', 'ops/grafana/'))), home)
  assert.equal(variables.get('GF_AUTH_ANONYMOUS_ORG_ROLE'), 'Viewer')
  assert.equal(variables.get('GRAFANA_ADMIN_PASSWORD'), `"\${GRAFANA_ADMIN_PASSWORD:-}"`)
  assert.doesNotMatch(service, /ADMIN_PASSWORD[=:] ?"?[a-z]/)
})
