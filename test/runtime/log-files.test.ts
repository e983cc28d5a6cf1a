import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { closeSync, existsSync, mkdirSync, openSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import { openLogFile, rotateInPlace } from '../../runtime/log-files.ts'
import { tempDir, until } from '../helpers/up.ts'

test('a log takes no more than its size and count, and its newest lines are there', async (t) => {
  const file = path.join(await tempDir(t), 'poll.log')
  const log = openLogFile(file, { maxBytes: 1000, kept: 2 })
  for (let n = 0; n < 1000; n++) log.write(`line ${n} ${'x'.repeat(n % 50)}`)
  log.close()
  assert.deepEqual(readdirSync(path.dirname(file)).sort(), ['poll.log', 'poll.log.1', 'poll.log.2'])
  const lines = ['.2', '.1', ''].flatMap((end) => {
    assert.ok(statSync(`${file}${end}`).size <= 1000)
    return readFileSync(`${file}${end}`, 'utf8').trimEnd().split('\n')
  })
  assert.deepEqual(
    lines.map((line) => Number(line.split(' ')[1])),
    Array.from({ length: lines.length }, (_, n) => 1000 - lines.length + n),
    'the last ones, whole, in order',
  )
})

test('a log goes on after a restart, makes room first, and a line of any length is written', async (t) => {
  const file = path.join(await tempDir(t), 'poll.log')
  writeFileSync(file, `${'old '.repeat(300)}\n`)
  const log = openLogFile(file, { maxBytes: 1000, kept: 2 })
  log.write('new')
  assert.equal(readFileSync(file, 'utf8'), 'new\n')
  assert.match(readFileSync(`${file}.1`, 'utf8'), /^old /)
  log.write('y'.repeat(5000))
  assert.equal(statSync(file).size, 5001)
  log.close()
})

test('a folder that is missing costs lines until it is there', async (t) => {
  const dir = path.join(await tempDir(t), 'logs')
  const log = openLogFile(path.join(dir, 'poll.log'))
  log.write('lost')
  mkdirSync(dir)
  log.write('kept')
  log.close()
  assert.equal(readFileSync(path.join(dir, 'poll.log'), 'utf8'), 'kept\n')
})

test('the log of a process that writes itself is moved, and the process goes on in the empty file', async (t) => {
  const file = path.join(await tempDir(t), 'kafka.log')
  assert.equal(rotateInPlace(file), false, 'there is none')
  const fd = openSync(file, 'a')
  const child = spawn('sh', ['-c', 'while sleep 0.02; do echo a line of a server; done'], { stdio: ['ignore', fd, fd] })
  closeSync(fd)
  t.after(() => child.kill('SIGKILL'))
  await until('some lines', async () => existsSync(file) && statSync(file).size > 100)
  assert.equal(rotateInPlace(file, { maxBytes: 10_000 }), false, 'it is small')
  assert.equal(rotateInPlace(file, { maxBytes: 100 }), true)
  assert.match(readFileSync(`${file}.1`, 'utf8'), /^(a line of a server\n)+$/)
  await until('more lines', async () => statSync(file).size > 20)
  assert.match(readFileSync(file, 'utf8'), /^(a line of a server\n)+$/)
})
