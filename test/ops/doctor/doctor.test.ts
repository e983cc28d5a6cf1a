import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdir, mkdtemp, readdir, rm, statfs, writeFile } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, before, test } from 'node:test'
import { filePath } from '../../../lake/delta/actions.ts'
import { commit } from '../../../lake/delta/commit.ts'
import { stageFiles } from '../../../lake/delta/stage.ts'
import { openTable } from '../../../lake/delta/table.ts'
import { openFolderStore } from '../../../lake/store/folder.ts'
import { openMemoryStore } from '../../../lake/store/memory.ts'
import { type Check, fail, looked, ok } from '../../../ops/doctor/check.ts'
import { checkGroups, checkTopic } from '../../../ops/doctor/kafka.ts'
import { checkPutIfAbsent, checkStore, checkTable } from '../../../ops/doctor/lake.ts'
import { checkLogs } from '../../../ops/doctor/logs.ts'
import { checkDataFolder, checkDisk, checkJava, checkMaven, checkNode, checkPort } from '../../../ops/doctor/machine.ts'
import { checkSubject } from '../../../ops/doctor/registry.ts'
import { createRedactor } from '../../../runtime/redact-text.ts'
import { cleanTopicSpec, topicSpecs } from '../../../schemas/topics.ts'
import { append, fields } from '../../lake/delta/upkeep-lake.ts'
import { batchOf } from '../../lake/sample.ts'

const MIB = 1024 ** 2
let dir: string
before(async () => {
  dir = await mkdtemp(path.join(tmpdir(), 'readflow-doctor-'))
})
after(() => rm(dir, { recursive: true }))

const levels = (checks: readonly Check[]) => checks.map(({ level }) => level)
const withTodo = (check: Check | undefined, level: Check['level'], what: RegExp) => {
  assert.equal(check?.level, level, JSON.stringify(check))
  assert.match(check!.what, what)
  assert.equal(check!.todo === null, level === 'ok')
}

test('an old Node, no Java and no Maven fail where they are needed', async () => {
  withTodo(checkNode('v24.1.0'), 'ok', /v24/)
  withTodo(checkNode('v22.9.0'), 'fail', /older than 24/)
  const bare = { PATH: dir, HOME: dir, XDG_CACHE_HOME: dir }
  withTodo(await checkJava(bare, true), 'fail', /Java 17/)
  withTodo(await checkJava(bare, false), 'warn', /Java 17/)
  withTodo(await checkMaven(bare, true), 'fail', /Maven/)
  withTodo(await checkMaven(bare, false), 'warn', /Maven/)
})

test('a port that another program has fails where a person chose it', async (t) => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  const at = { port: (server.address() as AddressInfo).port, flag: '--port', isExplicit: true, isOurs: false }
  withTodo(await checkPort('port', at), 'fail', /taken by another program/)
  withTodo(await checkPort('port', { ...at, isExplicit: false }), 'warn', /up takes a free one/)
  withTodo(await checkPort('port', { ...at, isOurs: true }), 'ok', /what runs here/)
})

test('a full disk, and a folder that can not be written or that somebody holds', async () => {
  const { blocks, bsize } = await statfs(dir)
  const sizeBytes = blocks * bsize
  withTodo(await checkDisk(dir, 100 * MIB), 'fail', /0\.1 GiB free/)
  withTodo(await checkDisk(dir, 3 * 1024 * MIB), 'warn', /3\.0 GiB free/)
  withTodo(await checkDisk(path.join(dir, 'not/yet'), sizeBytes / 2), 'ok', /free/)
  withTodo(await checkDisk(dir, sizeBytes * 0.07), 'warn', /free at .*, 7 % of it/)
  await writeFile(path.join(dir, 'file'), '')
  withTodo((await checkDataFolder(path.join(dir, 'file/data')))[0], 'fail', /can not be written/)
  withTodo((await checkDataFolder(path.join(dir, 'not/yet')))[0], 'ok', /made at the first start/)
  const held = path.join(dir, 'held')
  await mkdir(path.join(held, 'run'), { recursive: true })
  await writeFile(path.join(held, 'run/lock'), JSON.stringify({ pid: process.ppid, mark: null }))
  withTodo((await checkDataFolder(held))[1], 'warn', /holds the folder/)
})

test('topics whose settings lose records fail, others that differ are to be looked at', () => {
  const [spec] = topicSpecs({ partitions: 4, replicationFactor: 1 })
  const topic = (configs: Record<string, string>) => ({
    name: spec!.topic,
    id: 'id',
    partitions: [{ partition: 0, logStart: 0, end: 1 }],
    configs: { ...spec!.configs, ...configs },
  })
  const check = (configs: Record<string, string>) => checkTopic(spec!, topic(configs))[0]
  withTodo(check({}), 'ok', /1 partition, kept 365d/)
  withTodo(check({ 'cleanup.policy': 'compact' }), 'fail', /vanish before anybody has read them/)
  withTodo(check({ 'retention.ms': '3600000' }), 'fail', /keeps records 1h/)
  withTodo(check({ 'retention.ms': String(30 * 86_400_000) }), 'warn', /keeps records 30d/)
  withTodo(check({ 'message.timestamp.type': 'CreateTime' }), 'warn', /producers' own/)
  withTodo(check({ 'max.message.bytes': '1000' }), 'warn', /below/)
  withTodo(checkTopic(spec!, undefined)[0], 'warn', /not there yet/)
  const runs = topicSpecs({ partitions: 4, replicationFactor: 1 }).at(-1)!
  const many = [0, 1].map((partition) => ({ partition, logStart: 0, end: 0 }))
  withTodo(checkTopic(runs, { name: runs.topic, id: 'id', partitions: many, configs: runs.configs })[0], 'warn', /2 partitions/)
  const clean = cleanTopicSpec('books', { partitions: 1, replicationFactor: 1 })
  const checkClean = (configs: Record<string, string>) =>
    checkTopic(clean, { ...topic({}), name: clean.topic, configs: { ...clean.configs, 'retention.ms': '604800000', ...configs } })[0]
  withTodo(checkClean({}), 'ok', /1 partition, compacted/)
  withTodo(checkClean({ 'cleanup.policy': 'delete' }), 'fail', /what is current vanishes with its age/)
})

test('a member of our groups that is none of ours, a group without members, and a subject that lets any schema in', async () => {
  const group = (clientId: string) => ({
    group: 'readflow.bronze',
    state: 'Stable',
    protocolType: 'consumer',
    members: [{ id: 'm', clientId, host: '/10.0.0.1' }],
  })
  const groups = (found: Parameters<typeof checkGroups>[0], isUp = true) => checkGroups(found, ['readflow.bronze'], { isUp })[0]
  withTodo(groups([group('readflow-consume')]), 'ok', /1 member/)
  withTodo(groups([group('kcat')]), 'warn', /kcat at 10\.0\.0\.1/)
  const left = { ...group('readflow-consume'), members: [] }
  withTodo(groups([left]), 'warn', /no members: nobody reads/)
  withTodo(groups([left], false), 'ok', /0 members/)
  withTodo(groups([]), 'ok', /not there yet/)
  const subject = (versions: number, level: string | null) =>
    checkSubject(
      {
        versions: async () => Array.from({ length: versions }, (_, version) => ({ version, id: version, schema: {} })),
        compatibility: async () => level,
      },
      'goodreads.books-value',
    )
  withTodo(await subject(1, 'BACKWARD_TRANSITIVE'), 'ok', /1 version/)
  withTodo(await subject(1, 'NONE'), 'fail', /any schema is let in/)
  withTodo(await subject(2, null), 'warn', /BACKWARD_TRANSITIVE is wanted/)
  withTodo(await subject(0, null), 'warn', /not there yet/)
})

test('where a lake is away nothing is written in its place', async (t) => {
  const above = await mkdtemp(path.join(tmpdir(), 'readflow-doctor-'))
  t.after(() => rm(above, { recursive: true }))
  const store = openFolderStore(path.join(above, 'lake'))
  withTodo(await checkStore(store, { isUp: true }), 'fail', /it is gone/)
  withTodo(await checkStore(store, { isUp: false }), 'warn', /nothing is in .* yet/)
  assert.deepEqual(await readdir(above), [])
  await store.put('a', new Uint8Array(1))
  withTodo(await checkStore(store, { isUp: true }), 'ok', /one of 8/)
})

test('a store whose put-if-absent overwrites fails, and nothing is left behind', async () => {
  const store = openMemoryStore()
  withTodo(await checkPutIfAbsent(store), 'ok', /one of 8/)
  const overwriting = {
    ...store,
    putIfAbsent: async (at: string, bytes: Uint8Array) => {
      await store.put(at, bytes)
      return 'created' as const
    },
  }
  withTodo(await checkPutIfAbsent(overwriting), 'fail', /overwrite each other/)
  for await (const { path: left } of store.list('_readflow/')) assert.fail(left)
})

test('a table without checkpoints, with many small files, with a file that is gone, and with a log that can not be read', async () => {
  const store = openMemoryStore()
  const root = 'silver/books'
  const table = openTable(store, root)
  assert.deepEqual(await checkTable(store, root, MIB), [])
  await append(table, [{ id: 1, name: 'a', day: 20_000 }])
  assert.deepEqual(levels(await checkTable(store, root, MIB)), ['ok'])
  for (let id = 2; id < 70; id++) await append(table, [{ id, name: 'a', day: 20_000 }])
  withTodo((await checkTable(store, root, MIB))[0], 'warn', /small files wait/)
  const newest = [...(await table.snapshot()).files.values()].at(-1)!
  const at = `${root}/${filePath(newest.path)}`
  const whole = await store.get(at)
  await store.delete(at)
  withTodo((await checkTable(store, root, MIB))[0], 'fail', /^1 of its 69 files are gone or damaged, such as /)
  await store.put(
    at,
    whole.map((byte) => byte ^ 1),
  )
  withTodo((await checkTable(store, root, MIB))[0], 'fail', /^1 of its 69 files are gone or damaged, such as /)
  await store.put(`${root}/_delta_log/${'0'.repeat(18)}01.json`, new TextEncoder().encode('{"torn'))
  withTodo((await checkTable(store, root, MIB))[0], 'fail', /can not be read: /)
})

test('a lost or cut file of a table is not forgotten as newer ones come, wherever in its folder it lies', async () => {
  const store = openMemoryStore()
  const root = 'silver/books'
  const table = openTable(store, root)
  const partitionColumns = ['name']
  const add = async (id: number, name: string) => {
    const adds = await stageFiles(table, batchOf(fields, [{ id, name, day: 20_000 }]), { partitionColumns })
    await commit(table, { operation: 'WRITE', fields, partitionColumns, adds })
  }
  await add(0, 'é = 1 %41')
  await add(1, 'b')
  const [first, second] = (await table.snapshot()).files.values()
  assert.match(first!.path, /%/, 'it is encoded in the log')
  for (let id = 2; id < 27; id++) await add(id, 'c')
  assert.deepEqual(levels(await checkTable(store, root, MIB)), ['ok'])
  await store.delete(`${root}/${filePath(first!.path)}`)
  const [check] = await checkTable(store, root, MIB)
  withTodo(check, 'fail', /^1 of its 27 files are gone or damaged/)
  assert.ok(check!.what.endsWith(first!.path), check!.what)
  assert.match(check!.todo!, /readflow replay silver\.books --from earliest /)
  const cut = `${root}/${filePath(second!.path)}`
  await store.put(cut, (await store.get(cut)).slice(0, -1))
  withTodo((await checkTable(store, root, MIB))[0], 'fail', /^2 of its 27 files are gone or damaged/)
})

test('a table whose checkpoints are not written any more', async () => {
  const store = openMemoryStore()
  const late = { ...store, put: async (at: string, bytes: Uint8Array) => (at.includes('checkpoint') ? undefined : store.put(at, bytes)) }
  const table = openTable(late, 'ops/runs')
  await append(table, [{ id: 1, name: 'a', day: 20_000 }])
  const [file] = (await table.snapshot()).files.values()
  for (let version = 1; version <= 301; version++) {
    const entry = JSON.stringify({ txn: { appId: 'a', version } })
    await store.put(`ops/runs/_delta_log/${String(version).padStart(20, '0')}.json`, new TextEncoder().encode(`${entry}\n`))
  }
  assert.ok(file)
  withTodo((await checkTable(store, 'ops/runs', MIB))[0], 'warn', /last checkpoint is 302 versions old/)
})

test('errors of the last hour in the logs, older ones not, and no secret of theirs', async () => {
  const logs = path.join(dir, 'logs')
  await mkdir(logs)
  const nowMs = Date.now()
  const line = (agoMs: number, error: string) =>
    JSON.stringify({ level: 'error', time: new Date(nowMs - agoMs).toISOString(), program: 'poll', error, msg: 'it failed' })
  const redact = createRedactor({ GOODREADS_API_KEY: 'sesame-open-now' })
  await writeFile(path.join(logs, 'consume.log'), `${line(7_200_000, 'long ago')}\n`)
  await writeFile(path.join(logs, 'poll.log'), `${line(60_000, 'an answer to sesame-open-now')}\n`)
  const checks = await checkLogs(logs, nowMs, redact)
  withTodo(checks[0], 'warn', /1 errors in the last hour, the newest: it failed: an answer to \[secret\]/)
  withTodo(checks[1], 'ok', /no errors/)
  assert.deepEqual(await checkLogs(path.join(dir, 'nowhere'), nowMs, redact), [])
})

test('what keeps it from looking is a failure of that check, with one line', async () => {
  const failing = await looked('thing', () => Promise.reject(new Error('connection\nrefused')))
  assert.deepEqual(failing, [fail('thing', 'connection refused', 'Mend that, and look again.')])
  assert.deepEqual(await looked('thing', () => [ok('thing', 'is there')]), [ok('thing', 'is there')])
})
