import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { test } from 'node:test'
import { writeGoodbooks } from '../helpers/goodbooks.ts'
import { bronzeOffsets, readRows } from '../helpers/tables.ts'
import { startUp, tempDir, until } from '../helpers/up.ts'

const BOOKS = 200
const RATINGS = 60_000

/** Pids of processes whose command line holds both texts. */
const pidsOf = (...texts: string[]): number[] =>
  execFileSync('ps', ['-eo', 'pid=,args='], { encoding: 'utf8' })
    .split('\n')
    .filter((line) => texts.every((text) => line.includes(text)) && !line.includes('ps -eo'))
    .map((line) => Number(line.trim().split(/\s+/)[0]))

const childrenOf = (parent: number, text: string): number[] =>
  execFileSync('ps', ['-eo', 'pid=,ppid=,args='], { encoding: 'utf8' })
    .split('\n')
    .map((line) => /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line))
    .flatMap((match) => (match?.[3]?.includes(text) ? [{ pid: Number(match[1]), parent: Number(match[2]) }] : []))
    .filter((each) => isDescendant(each.parent, parent))
    .map(({ pid }) => pid)

const isDescendant = (pid: number, ancestor: number): boolean => {
  for (let at = pid; at > 1; ) {
    if (at === ancestor) return true
    at = Number(execFileSync('sh', ['-c', `ps -o ppid= -p ${at} || echo 0`], { encoding: 'utf8' }).trim())
  }
  return false
}

test('kill -9 of each process during a load: Silver is exact, and Bronze holds each offset once', async (t) => {
  const dir = await tempDir(t)
  const source = await writeGoodbooks(`${dir}/goodbooks`, { books: BOOKS, ratings: RATINGS })
  const lake = `file:${dir}/data/lake`
  const up = await startUp(t, [
    '--data',
    `${dir}/data`,
    '--source',
    `dataset:${source}`,
    '--flush-interval',
    '1s',
    '--flush-max-rows',
    '2000',
  ])
  const kill = (name: string, pids: number[]) => {
    assert.ok(pids.length > 0, `${name} runs: ${up.output()}`)
    for (const pid of pids) process.kill(pid, 'SIGKILL')
  }
  const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))
  const self = up.child.pid ?? 0
  for (const main of ['consumers/main.ts', 'producers/main.ts', 'compactor/main.ts', 'consumers/main.ts', 'api/main.ts']) {
    kill(main, childrenOf(self, main))
    await until(`${main} to run again`, async () => childrenOf(self, main).length > 0)
    await pause(1500)
  }
  kill('the broker', pidsOf('kafka.Kafka', dir))
  await pause(2000)
  kill('the registry', pidsOf('apicurio-registry', dir).concat(pidsOf('-runner.jar', dir)))

  const silver = async (entity: string) => (await readRows(lake, `silver/${entity}`, ['_key'])).map(({ _key }) => _key as string)
  await until('all ratings in Silver', async () => new Set(await silver('ratings')).size === RATINGS, 180_000)
  await until('the poll to be done', async () => (await readRows(lake, 'silver/books', ['_key'])).length >= BOOKS)
  assert.equal(await up.stop(), 0, up.output())

  const ratings = await silver('ratings')
  assert.equal(ratings.length, RATINGS, 'no key twice in Silver')
  assert.equal((await silver('books')).length, BOOKS)
  assert.equal((await silver('authors')).length, 7)
  for (const entity of ['books', 'authors', 'ratings']) {
    for (const [partition, offsets] of await bronzeOffsets(lake, entity))
      assert.equal(new Set(offsets).size, offsets.length, `${entity}/${partition}: no offset twice`)
    for (const [partition, offsets] of await bronzeOffsets(lake, entity))
      assert.deepEqual(
        offsets,
        Array.from(offsets, (_, index) => index),
        `${entity}/${partition}: no offset missing`,
      )
  }
  assert.deepEqual(pidsOf(dir), [], 'nothing is left running')
})
