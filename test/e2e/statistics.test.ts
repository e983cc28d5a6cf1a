import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { test } from 'node:test'
import { writeGoodbooks } from '../helpers/goodbooks.ts'
import { stackSkip } from '../helpers/stack.ts'
import { lastJson, readflow, startServe, startStackCommand, tempDir, until } from '../helpers/up.ts'

const [BOOKS, RATINGS] = [100, 2000]

test('a source that gives a tenth, no titles, or ratings of 9 keeps the last good Gold, and it is said why', {
  skip: await stackSkip(),
}, async (t) => {
  const dir = await tempDir(t)
  const data = path.join(dir, 'data')
  const source = path.join(dir, 'goodbooks')
  await startStackCommand(t, data)
  // One poll of the source, all of it sunk, and a build: what `up --once` does, on a stack that stays.
  const once = async () => {
    const polled = await readflow(['poll', '--once', '--data', data, '--source', `dataset:${source}`])
    assert.equal(polled.code, 0, polled.stderr)
    const consumed = await readflow(['consume', '--once', '--data', data])
    assert.equal(consumed.code, 0, consumed.stderr)
    return readflow(['compact', '--once', '--data', data])
  }
  const edit = async (file: string, change: (cells: string[]) => string[]) => {
    const name = path.join(source, file)
    const [header, ...rows] = (await readFile(name, 'utf8')).trimEnd().split('\n')
    await writeFile(name, `${[header, ...rows.map((row) => change(row.split(',')).join(','))].join('\n')}\n`)
  }
  const healthy = () => writeGoodbooks(source, { books: BOOKS, ratings: RATINGS })
  await healthy()
  assert.equal(lastJson(await once()).version, 0)
  const { url } = await startServe(t, { READFLOW_DATA: data })
  // biome-ignore lint/suspicious/noExplicitAny: answers of many shapes
  const get = async (route: string) => (await fetch(`${url}${route}`)).json() as Promise<any>
  const titles = async () => (await get(`/v1/books?limit=${BOOKS}`)).books.map(({ title }: { title: string }) => title).sort()
  const before = await until('the API', async () => ((await get('/v1/books?limit=1')).version === 0 ? titles() : null))
  assert.equal(before.length, BOOKS)

  const isHeld = async (reasons: Record<string, RegExp>) => {
    const built = await once()
    assert.equal(built.code, 1, built.stdout + built.stderr)
    const { held } = lastJson(built)
    assert.match(built.stderr, /^compact: Gold is held since /m)
    for (const [id, reason] of Object.entries(reasons))
      assert.match(held.checks.find((check: { id: string }) => check.id === id)?.message ?? '', reason, JSON.stringify(held))
    const answer = await until('the API to say so', async () => {
      const found = await get('/v1/books?limit=1')
      return found.held_since === held.since && found
    })
    assert.equal(answer.version, 0)
    assert.ok(
      held.checks.some(({ message }: { message: string }) => answer.held_reason.includes(message)),
      answer.held_reason,
    )
    assert.deepEqual(await titles(), before, 'the last good books are what is served')
  }

  await t.test('a tenth of its rows, each of them known already', async () => {
    await writeGoodbooks(source, { books: BOOKS / 10, ratings: RATINGS / 10 })
    await isHeld({ 'poll.dataset.ratings.volume': /brought 200 ratings, where 2000 were usual/ })
  })
  await t.test('all of them again ends it by itself', async () => {
    await healthy()
    assert.equal((await once()).code, 0)
    await until('the API to be free', async () => (await get('/v1/books?limit=1')).held_since === undefined)
  })
  await t.test('no title anywhere, and ratings of 9', async () => {
    await edit('books.csv', (cells) => cells.with(8, '').with(9, ''))
    await edit('ratings.csv', ([user = '', book = '']) => [user, book, '9'])
    await isHeld({
      'silver.books.refused': /100 of 100 books that came were refused/,
      'silver.ratings.refused': /2000 of 2000 ratings that came were refused/,
    })
  })
})
