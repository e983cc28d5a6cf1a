import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { renderKafkaConfig } from '../../ops/stack/kafka.ts'
import { knobs } from '../../runtime/config/knobs.ts'

const read = (file: string) => readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8')
const compose = read('docker-compose.yml')
const variables = new Map([...compose.matchAll(/^ +([A-Z][A-Z_]+): "?(.*?)"?$/gm)].map(([, name, value]) => [name ?? '', value ?? '']))

test("docker-compose.yml gives Kafka the local broker's settings", () => {
  const places = /listener|^controller\.quorum|^log\.dirs$|^inter\.broker/
  const settings = renderKafkaConfig({ port: 1, controllerPort: 2 })
    .split('\n')
    .filter((line) => /^[a-z]/.test(line))
    .map((line) => line.split('=') as [string, string])
    .filter(([name]) => !places.test(name))
  assert.ok(settings.length > 10)
  const wanted = settings.map(([name, value]) => `KAFKA_${name.toUpperCase().replaceAll('.', '_')}=${value}`)
  const given = settings.map(([name]) => `KAFKA_${name.toUpperCase().replaceAll('.', '_')}`).map((name) => `${name}=${variables.get(name)}`)
  assert.deepEqual(given, wanted)
})

test('docker-compose.yml runs the versions of the local stack', () => {
  const version = (name: string) => new RegExp(`<${name}>(.*)</${name}>`).exec(read('ops/stack/pom.xml'))?.[1]
  const images = [...compose.matchAll(/^ +image: (\S+:\S+)$/gm)].map(([, image]) => image)
  const local = images.filter((image) => !/^(prom|grafana)\//.test(image ?? ''))
  assert.deepEqual(local, [`apache/kafka:${version('kafka.version')}`, `apicurio/apicurio-registry-mem:${version('apicurio.version')}`])
})

test('docker-compose.yml publishes on 127.0.0.1 only', () => {
  const published = [...compose.matchAll(/^ +- "([\d.:]+:\d+)"$/gm)].map(([, port]) => port)
  assert.deepEqual(published, [
    '127.0.0.1:9092:9092',
    '127.0.0.1:8081:8080',
    '127.0.0.1:8080:8080',
    '127.0.0.1:9090:9090',
    '127.0.0.1:9093:9093',
    '127.0.0.1:3000:3000',
  ])
})

test('docker-compose.yml sets only variables that ReadFlow knows', () => {
  const known = new Set<string>(Object.values(knobs).flatMap((knob) => ('env' in knob ? [knob.env] : [])))
  const set = [...variables.keys()].filter((name) => /^(READFLOW|GOODREADS|LAKE|SCHEMA)_|^KAFKA_BROKERS$/.test(name))
  assert.ok(set.length >= 7)
  assert.deepEqual(
    set.filter((name) => !known.has(name)),
    [],
  )
})
