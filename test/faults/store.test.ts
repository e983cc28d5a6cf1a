import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, afterEach, before, describe, it, mock } from 'node:test'
import { ListMultipartUploadsCommand, S3Client } from '@aws-sdk/client-s3'
import { openStore } from '../../lake/store/open.ts'
import type { ObjectStore } from '../../lake/store/store.ts'
import { errorLine } from '../../runtime/errors.ts'
import { type Fault, type FaultProxy, startFaultProxy } from '../helpers/fault-proxy.ts'
import { minioSkip, startTestMinio, type TestMinio } from '../helpers/minio.ts'
import { startTcpProxy } from '../soak/proxy.ts'

const bytes = (text: string) => new TextEncoder().encode(text)
const text = (value: Uint8Array) => new TextDecoder().decode(value)

describe('the store behind a bad network', { skip: minioSkip() }, () => {
  let minio: TestMinio
  let proxy: FaultProxy
  let store: ObjectStore
  let hasty: ObjectStore
  let direct: ObjectStore
  before(async () => {
    minio = await startTestMinio()
    proxy = await startFaultProxy(minio.port)
    const url = minio.lakeUrl().replace(minio.endpoint, proxy.endpoint)
    store = openStore(url, { requestTimeoutMs: 1000, patienceMs: 20_000 })
    hasty = openStore(url, { requestTimeoutMs: 300, patienceMs: 600 })
    direct = openStore(minio.lakeUrl())
  })
  after(async () => {
    for (const open of [store, hasty, direct]) await open?.close()
    await proxy?.stop()
    await minio?.stop()
  })
  afterEach(() => proxy.clear())

  const passing: [string, Fault[]][] = [
    ['500, again and again', Array(3).fill({ kind: 'answer', status: 500, code: 'InternalError' })],
    ['503 SlowDown', [{ kind: 'answer', status: 503, code: 'SlowDown' }]],
    ['a gateway that knows no XML', [{ kind: 'answer', status: 502, code: '</Code>' }]],
    ['an answer that takes longer than the limit', [{ kind: 'slow', delayMs: 1300 }]],
    ['no answer', [{ kind: 'hang', isForwarded: false }]],
    ['no answer though it was done', [{ kind: 'hang', isForwarded: true }]],
    ['a connection cut before the answer', [{ kind: 'drop', isForwarded: false }]],
    ['a connection cut when it was done', [{ kind: 'drop', isForwarded: true }]],
  ]
  for (const [name, faults] of passing)
    it(`goes on after ${name}`, async () => {
      const at = randomUUID()
      for (const method of ['PUT', 'GET', 'DELETE']) proxy.script(new RegExp(`^${method} .*${at}`), faults)
      await store.put(`${at}/a`, bytes('first'))
      proxy.script(/^GET .*list-type/, faults)
      assert.equal(text(await store.get(`${at}/a`)), 'first')
      const listed: string[] = []
      for await (const { path } of store.list(`${at}/`)) listed.push(path)
      assert.deepEqual(listed, [`${at}/a`])
      await store.delete(`${at}/a`)
      await assert.rejects(store.get(`${at}/a`), { code: 'lake-not-found' })
    })

  it('never gives an object short, nor a listing', async () => {
    const object = new Uint8Array(200_000).fill(7)
    await direct.put('cut/a', object)
    const before = proxy.seen.length
    proxy.script(/^GET .*cut\/a/, [
      { kind: 'cut', afterBytes: 70_000 },
      { kind: 'cut', afterBytes: 0 },
      { kind: 'cut', afterBytes: 199_999 },
    ])
    assert.deepEqual(await store.get('cut/a'), object)
    assert.equal(proxy.seen.length - before, 4)
    // Neither is a "not found" whose body is cut: where an answer is not whole, its status says nothing.
    proxy.script(/^GET .*cut\/none/, [
      { kind: 'cut', afterBytes: 0 },
      { kind: 'cut', afterBytes: 10 },
      { kind: 'cut', afterBytes: 150 },
    ])
    await assert.rejects(store.get('cut/none'), { code: 'lake-not-found' })
    proxy.script(/^GET .*cut\/a/, [{ kind: 'cut', afterBytes: 10 }])
    assert.deepEqual(await store.getRange('cut/a', 5, 60_000), object.subarray(5, 60_000))
    proxy.script(/^GET .*list-type/, [{ kind: 'cut', afterBytes: 150 }])
    const listed: string[] = []
    for await (const { path } of store.list('cut/')) listed.push(path)
    assert.deepEqual(listed, ['cut/a'])
  })

  const hidden: [string, Fault[]][] = [
    ['a time-out after success', [{ kind: 'hang', isForwarded: true }]],
    ['a connection cut after success', [{ kind: 'drop', isForwarded: true }]],
    ['a 500 after success', [{ kind: 'answer', status: 500, code: 'InternalError', isForwarded: true }]],
    ['a 412 after a hidden success', [{ kind: 'answer', status: 412, code: 'PreconditionFailed', isForwarded: true }]],
    ['a 409', [{ kind: 'answer', status: 409, code: 'ConditionalRequestConflict' }]],
    ['a 412 for an object that is gone', [{ kind: 'answer', status: 412, code: 'PreconditionFailed' }]],
    [
      'one fault after the other',
      [
        { kind: 'drop', isForwarded: false },
        { kind: 'hang', isForwarded: true },
      ],
    ],
  ]
  for (const [name, faults] of hidden)
    it(`knows whose entry stands there after ${name}`, async () => {
      const at = randomUUID()
      proxy.script(new RegExp(`^PUT .*${at}`), faults)
      assert.equal(await store.putIfAbsent(`${at}/mine`, bytes('mine')), 'created')
      assert.equal(text(await direct.get(`${at}/mine`)), 'mine')

      await direct.put(`${at}/theirs`, bytes('theirs'))
      proxy.script(new RegExp(`^PUT .*${at}`), faults)
      proxy.script(new RegExp(`^GET .*${at}`), [{ kind: 'drop', isForwarded: true }])
      assert.equal(await store.putIfAbsent(`${at}/theirs`, bytes('mine')), 'exists')
      assert.equal(text(await direct.get(`${at}/theirs`)), 'theirs')
    })

  it('gives up in the end, in one line, and works when the fault is over', async () => {
    for (const [fault, said] of [
      [{ kind: 'answer', status: 503, code: 'SlowDown' }, /: 503 SlowDown\.$/],
      [{ kind: 'drop', isForwarded: false }, /: ECONNRESET\.$/],
      [{ kind: 'hang', isForwarded: false }, /: no answer in time\.$/],
    ] as const) {
      proxy.always(/./, fault)
      for (const call of [
        () => hasty.get('a'),
        () => hasty.put('a', bytes('x')),
        () => hasty.putIfAbsent('a', bytes('x')),
        async () => {
          for await (const _ of hasty.list('a'));
        },
        () => hasty.delete('a'),
      ])
        await assert.rejects(call, { code: 'lake-unavailable', message: said })
      proxy.clear()
      await hasty.put('a', bytes('x'))
      await hasty.delete('a')
    }
  })

  it('goes by the store’s clock where this machine’s is wrong, and says so where it does not help', async () => {
    mock.timers.enable({ apis: ['Date'], now: Date.now() - 3 * 3_600_000 })
    try {
      const skewed = openStore(minio.lakeUrl(), { requestTimeoutMs: 1000, patienceMs: 5000 })
      await skewed.put('clock/a', bytes('x'))
      assert.equal(await skewed.putIfAbsent('clock/b', bytes('y')), 'created')
      assert.equal(text(await skewed.get('clock/b')), 'y')
      await skewed.close()
    } finally {
      mock.timers.reset()
    }
    proxy.always(/./, { kind: 'answer', status: 403, code: 'RequestTimeTooSkewed' })
    await assert.rejects(hasty.get('a'), (error) => {
      assert.match(errorLine(error), /RequestTimeTooSkewed\. This machine's clock is not the store's/)
      return true
    })
  })

  it('sends a part again, and leaves no parts of an upload that failed', async () => {
    const dir = await mkdtemp(path.join(tmpdir(), 'readflow-parts-'))
    const file = path.join(dir, 'large')
    const large = new Uint8Array(17 * 1024 ** 2).fill(3)
    const s3 = new S3Client({ endpoint: minio.endpoint, forcePathStyle: true, region: 'us-east-1' })
    const unfinished = async () =>
      (await s3.send(new ListMultipartUploadsCommand({ Bucket: minio.bucket, Prefix: 'lake/parts/a' }))).Uploads?.length ?? 0
    try {
      await writeFile(file, large)
      proxy.script(/partNumber=2/, [{ kind: 'drop', isForwarded: false }])
      proxy.script(/partNumber=3/, [{ kind: 'answer', status: 500, code: 'InternalError' }])
      await store.putFile('parts/a', file)
      assert.equal(Buffer.compare(await direct.get('parts/a'), large), 0)

      await writeFile(file, large.fill(4))
      proxy.always(/partNumber=2/, { kind: 'answer', status: 403, code: 'AccessDenied' })
      await assert.rejects(store.putFile('parts/a', file), { code: 'config' })
      assert.equal(await unfinished(), 0)
      assert.equal((await direct.get('parts/a'))[0], 3, 'the old object stays whole')
      proxy.clear()
      await store.putFile('parts/a', file)
      assert.equal((await direct.get('parts/a'))[0], 4)
    } finally {
      s3.destroy()
      await rm(dir, { recursive: true })
    }
  })

  it('has one time limit to wait where the network has lost every connection and said nothing', async () => {
    const tcp = await startTcpProxy(minio.port)
    const limitMs = 1500
    const url = minio.lakeUrl().replace(String(minio.port), String(tcp.port))
    const far = openStore(url, { requestTimeoutMs: limitMs, patienceMs: 60_000 })
    try {
      await far.put('lost/a', bytes('a'))
      await Promise.all(Array.from({ length: 8 }, () => far.get('lost/a')))
      tcp.break('half-open')
      tcp.mend()
      const beganMs = performance.now()
      for (let reads = 0; reads < 8; reads++) assert.equal(text(await far.get('lost/a')), 'a')
      const tookMs = performance.now() - beganMs
      assert.ok(tookMs >= limitMs && tookMs < 2 * limitMs, `${tookMs} ms`)
    } finally {
      await far.close()
      await tcp.close()
    }
  })

  it('loses and doubles nothing when the store is killed while it is written to', async () => {
    const writers = ['a', 'b', 'c']
    const created = new Map<number, string[]>()
    let version = 0
    const write = async (name: string) => {
      while (version < 60) {
        const at = version
        const mine = `${name} ${randomUUID()}`
        if ((await store.putIfAbsent(`log/${at}`, bytes(mine))) === 'created') created.set(at, [...(created.get(at) ?? []), mine])
        version = Math.max(version, at + 1)
      }
    }
    const writing = Promise.all(writers.map(write))
    for (const killAt of [15, 35]) {
      while (version < killAt) await new Promise((resolve) => setTimeout(resolve, 5))
      await minio.kill()
      await minio.start()
    }
    await writing
    for (let at = 0; at < 60; at++) {
      assert.equal(created.get(at)?.length, 1, `version ${at} has one writer`)
      assert.equal(text(await direct.get(`log/${at}`)), created.get(at)?.[0])
    }
  })
})
