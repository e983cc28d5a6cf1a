import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { chmod, cp, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, before, describe, it } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { withLake } from '../compactor/lake.ts'
import { book, rating } from '../compactor/silver.ts'
import { readflow, root } from '../helpers/up.ts'
import { python } from './readers.ts'
import { conf, processesOf, sparkMissing, untilNone } from './spark.ts'

const confText = Object.entries(conf)
  .map(([key, value]) => `${key}=${value}`)
  .join(',')

describe('compact --engine spark', { skip: sparkMissing }, () => {
  let dir: string
  before(async () => {
    dir = await mkdtemp(path.join(tmpdir(), 'readflow-spark-'))
    await withLake(async (lake) => {
      await lake.addSilver({ books: [book('b1', '2025-01-01', 'h', { title: 'One' })], ratings: [rating('u1', 'b1', 4, '2025-02-01')] })
      await cp(path.join(lake.dir, 'lake'), path.join(dir, 'lake'), { recursive: true })
    })
  })
  after(() => rm(dir, { recursive: true, force: true }))

  const args = (...more: string[]) => ['--once', '--engine', 'spark', '--data', dir, '--log-level', 'error', ...more]
  const refused = async (code: number, line: RegExp, more: string[], env: NodeJS.ProcessEnv) => {
    const ended = await readflow(['compact', ...args(...more)], { env: { READFLOW_PYTHON: python, ...env } })
    assert.equal(ended.code, code, ended.stderr)
    assert.match(ended.stderr, line)
    assert.equal(ended.stderr.trimEnd().split('\n').length, 1, ended.stderr)
    assert.equal(ended.stdout, '')
  }
  const script = async (name: string, text: string) => {
    const file = path.join(dir, name)
    await writeFile(file, `#!/bin/sh\n${text}\n`)
    await chmod(file, 0o755)
    return file
  }

  it('says what is missing, in one line', async () => {
    await refused(2, /There is no Python to run Spark with: .*nowhere\/python3.*READFLOW_PYTHON/, [], {
      READFLOW_PYTHON: `${dir}/nowhere/python3`,
    })
    await refused(2, /has no pyspark .*-m pip install pyspark==4\./, [], { READFLOW_PYTHON: await script('bare', 'exec python3 -S "$@"') })
    await refused(2, /needs Java 17 or newer, and there is no .*JAVA_HOME/, [], { JAVA_HOME: `${dir}/nowhere` })
    await refused(2, /--engine: engines are duckdb and spark/, ['--engine', 'flink'], {})
    await refused(2, /--spark-conf: is key=value/, ['--spark-conf', 'fast'], {})
  })

  it('does not wait for a master that is not there', () =>
    refused(1, /Spark at spark:\/\/127\.0\.0\.1:1 did not start: 127\.0\.0\.1:1: .*refused/, ['--spark-master', 'spark://127.0.0.1:1'], {}))

  it('ends with the program, however that ends', async () => {
    const child = spawn(process.execPath, ['compactor/main.ts', ...args('--spark-master', 'local[1]', '--spark-conf', confText)], {
      cwd: root,
      env: { ...process.env, READFLOW_PYTHON: python },
      stdio: 'ignore',
    })
    // Node, Python and the JVM, which has the settings on its command line.
    while ((await processesOf(dir)).length < 3) await delay(100)
    child.kill('SIGKILL')
    await untilNone(dir)
  })

  it('publishes Gold', async () => {
    const ended = await readflow(['compact', ...args('--spark-master', 'local[2]', '--spark-conf', confText)], {
      env: { READFLOW_PYTHON: python },
    })
    assert.equal(ended.code, 0, ended.stderr)
    const summary = JSON.parse(ended.stdout.trim().split('\n').at(-1)!)
    assert.deepEqual([summary.ok, summary.version, summary.gold.fact_rating], [true, 0, 1])
  })
})
