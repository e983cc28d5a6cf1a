import assert from 'node:assert/strict'
import { test } from 'node:test'
import { mavenReason, parseDownloaded, runMaven } from '../../../ops/stack/maven.ts'
import { tempDir } from '../../helpers/up.ts'

test('downloads are read from what Maven prints', () => {
  const line = '[INFO] Downloaded from central: https://repo.maven.apache.org/maven2/org/x/zstd-jni-1.5.6-3.jar (6.7 MB at 28 MB/s)'
  assert.deepEqual(parseDownloaded(line), { name: 'zstd-jni-1.5.6-3.jar', mb: 6.7 })
  assert.equal(parseDownloaded(line.replace('6.7 MB', '580 kB'))?.mb.toFixed(2), '0.58')
  assert.equal(parseDownloaded('[INFO] Scanning for projects...'), null)
})

test('a failure names the artifact and its cause, not the log', () => {
  const lines = [
    '[INFO] Scanning for projects...',
    '[ERROR] Failed to execute goal on project stack: Could not resolve dependencies for project readflow:stack:pom:1: Failed to collect dependencies at org.apache.kafka:kafka_2.13:jar:4.1.2: Failed to read artifact descriptor for org.apache.kafka:kafka_2.13:jar:4.1.2: Could not transfer artifact org.apache.kafka:kafka_2.13:pom:4.1.2 from/to central (https://repo.maven.apache.org/maven2): repo.maven.apache.org: Name or service not known -> [Help 1]',
    '[ERROR] ',
    '[ERROR] Re-run Maven using the -X switch to enable full debug logging.',
  ]
  assert.equal(mavenReason(lines), 'org.apache.kafka:kafka_2.13:jar:4.1.2 (repo.maven.apache.org: Name or service not known)')
})

test('no Maven is one line with the command that installs it', {
  skip: process.platform === 'win32' && 'needs PATH without a shell',
}, async (t) => {
  const PATH = await tempDir(t)
  await assert.rejects(runMaven({ pom: 'pom.xml', defines: {}, env: { PATH }, onProgress: () => undefined }), {
    code: 'missing-tool',
    hint: /apt-get install maven/,
  })
})
