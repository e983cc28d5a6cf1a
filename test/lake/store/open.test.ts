import assert from 'node:assert/strict'
import { resolve } from 'node:path'
import { it } from 'node:test'
import { openStore } from '../../../lake/store/open.ts'
import { parseS3Url } from '../../../lake/store/s3-url.ts'
import { errorLine } from '../../../runtime/errors.ts'

it('opens a folder by a relative, an absolute and a real file URL', () => {
  assert.equal(openStore('file:some/lake').localPath('a/b'), resolve('some/lake/a/b'))
  assert.equal(openStore('file:/var/lake').localPath('a'), '/var/lake/a')
  assert.equal(openStore('file:///var/my%20lake').localPath('a'), '/var/my lake/a')
})

it('names the fault of a lake URL that it can not open', () => {
  for (const url of ['', 'lake', 'file:', 'http://x/y', 'file://host/x']) assert.throws(() => openStore(url), { code: 'config' }, url)
})

it('reads an S3 lake URL', () => {
  assert.deepEqual(parseS3Url('s3://my-bucket/a%20b/c/?endpoint=http://127.0.0.1:9000&region=eu-central-1'), {
    bucket: 'my-bucket',
    prefix: 'a b/c/',
    endpoint: 'http://127.0.0.1:9000',
    region: 'eu-central-1',
  })
  assert.deepEqual(parseS3Url('s3://my.bucket'), { bucket: 'my.bucket', prefix: '', endpoint: null, region: null })
})

it('names the fault of an S3 lake URL, and no secret in it', () => {
  for (const [url, what] of [
    ['s3://', /names no bucket/],
    ['s3:bucket', /names no bucket/],
    ['s3://Bucket_1/x', /names no bucket/],
    ['s3://bucket/../x?endpoin=http://h:1', /unknown parameter "endpoin"/],
    ['s3://bucket/a//b', /prefix/],
    ['s3://bucket/a%2F..%2Fb', /prefix/],
    ['s3://bucket/x?region=a&region=b', /region twice/],
    ['s3://bucket/x?region=EU West', /region/],
    ['s3://bucket/x?endpoint=127.0.0.1:9000', /endpoint/],
    ['s3://bucket/x?endpoint=http://h:1/path', /endpoint/],
    ['s3://bucket/x#y', /#/],
    ['s3://AKIA:sesame@bucket/x', /no credentials/],
    ['s3://bucket/x?endpoint=http://AKIA:sesame@h:1', /no credentials/],
    ['s3://bucket/x?secret=sesame', /unknown parameter "secret"/],
  ] as const) {
    assert.throws(
      () => openStore(url),
      (error: Error & { code: string }) => {
        assert.equal(error.code, 'config')
        assert.match(error.message, what, url)
        assert.doesNotMatch(errorLine(error), /sesame/)
        return true
      },
      url,
    )
  }
})
