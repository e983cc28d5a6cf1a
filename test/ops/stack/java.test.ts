import assert from 'node:assert/strict'
import { chmod, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { test } from 'node:test'
import { findJava, javaEnv, parseJavaVersion } from '../../../ops/stack/java.ts'
import { tempDir } from '../../helpers/up.ts'

const fakeJava = async (dir: string, says: string) => {
  await writeFile(path.join(dir, 'java'), `#!/bin/sh\necho '${says}' >&2\n`)
  await chmod(path.join(dir, 'java'), 0o755)
}

test('the version is read from what every Java prints', () => {
  assert.equal(parseJavaVersion('openjdk version "17.0.15" 2025-04-15'), 17)
  assert.equal(parseJavaVersion('java version "1.8.0_392"'), 8)
  assert.equal(parseJavaVersion('openjdk version "25" 2025-09-16'), 25)
  assert.equal(parseJavaVersion('Picked up JAVA_TOOL_OPTIONS: -Xss2m\nopenjdk version "21.0.1" 2023-10-17 LTS'), 21)
  assert.equal(parseJavaVersion('command not found'), null)
})

test('no Java is one line with the command that installs it', async (t) => {
  const dir = await tempDir(t)
  await assert.rejects(findJava({ PATH: dir }), {
    code: 'missing-tool',
    hint: /apt-get install openjdk-17-jre-headless.*brew install openjdk@17/,
  })
})

test('a Java that is too old is named', { skip: process.platform === 'win32' && 'needs a POSIX shell' }, async (t) => {
  const dir = await tempDir(t)
  await fakeJava(dir, 'openjdk version "11.0.2" 2019-01-15')
  await assert.rejects(findJava({ PATH: dir }), { code: 'missing-tool', message: /java is Java 11\./ })
})

test("a user's settings for other programs do not reach the services", () => {
  const env = javaEnv({
    PATH: '/bin',
    JAVA_HOME: '/jdk',
    KAFKA_OPTS: 'x',
    QUARKUS_HTTP_PORT: '1',
    REGISTRY_DATASOURCE_URL: 'x',
    GOODREADS_API_KEY: 'x',
    _JAVA_OPTIONS: 'x',
  })
  assert.deepEqual(env, { PATH: '/bin', JAVA_HOME: '/jdk' })
})
