import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { openStore } from '../../lake/store/open.ts'
import { minioSkip, startTestMinio, type TestMinio } from '../helpers/minio.ts'
import { conformance } from '../lake/store/conformance.ts'

const bytes = (text: string) => new TextEncoder().encode(text)

describe('MinIO', { skip: minioSkip() }, () => {
  let minio: TestMinio
  before(async () => {
    minio = await startTestMinio()
  })
  after(() => minio.stop())

  conformance('S3 with a prefix', () => openStore(minio.lakeUrl('some folder/lake')))
  conformance('S3, a whole bucket', () => openStore(minio.lakeUrl().replace('/lake?', '?')))

  it('says in one line, for a person, what is wrong with bucket or credentials', async (t) => {
    const nowhere = openStore(minio.lakeUrl().replace('s3://lake/', 's3://none/'))
    t.after(nowhere.close)
    for (const call of [
      () => nowhere.get('a'),
      () => nowhere.put('a', bytes('x')),
      () => nowhere.putIfAbsent('a', bytes('x')),
      () => nowhere.delete('a'),
    ])
      await assert.rejects(call, { code: 'config', message: /there is no bucket none at http/ })

    const { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY } = minio.env
    t.after(() => Object.assign(process.env, minio.env))
    for (const [name, value] of [
      ['AWS_SECRET_ACCESS_KEY', 'not-the-secret'],
      ['AWS_ACCESS_KEY_ID', 'NOBODY'],
    ] as const) {
      Object.assign(process.env, minio.env, { [name]: value })
      const store = openStore(minio.lakeUrl())
      t.after(store.close)
      await assert.rejects(store.get('a'), (error: Error & { code: string; hint: string }) => {
        assert.equal(error.code, 'config')
        assert.match(error.message, /^cannot get a in the lake s3:.*: 403 (SignatureDoesNotMatch|InvalidAccessKeyId)\.$/)
        for (const secret of [AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, value])
          assert.ok(!`${error.message} ${error.hint} ${JSON.stringify(error.cause)}`.includes(secret))
        return true
      })
    }
  })

  it('refuses a storage class that the store has not, and takes one that it has', async (t) => {
    const store = openStore(minio.lakeUrl())
    t.after(store.close)
    await store.put('class/a', bytes('x'), { storageClass: 'REDUCED_REDUNDANCY' })
    await assert.rejects(store.put('class/b', bytes('x'), { storageClass: 'NO_SUCH' }), { code: 'config', hint: /storage class/ })
  })
})
