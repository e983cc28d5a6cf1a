import assert from 'node:assert/strict'
import { stat } from 'node:fs/promises'
import { describe, it } from 'node:test'
import { minioCredentials } from '../../ops/stack/minio.ts'
import { minioSkip, startTestMinio } from '../helpers/minio.ts'
import { tempDataDir } from '../helpers/stack.ts'

const answer = (url: string) =>
  fetch(url).then(
    (response) => response.status,
    () => null,
  )

describe('local MinIO', { skip: minioSkip() }, () => {
  it('has its bucket, refuses who has no credentials, and is killed and started on the same data', async (t) => {
    const minio = await startTestMinio()
    t.after(minio.stop)
    assert.equal(await answer(`${minio.endpoint}/minio/health/live`), 200)
    assert.equal(await answer(`${minio.endpoint}/lake`), 403)
    await minio.kill()
    assert.equal(await answer(`${minio.endpoint}/minio/health/live`), null)
    await minio.start()
    assert.equal(await answer(`${minio.endpoint}/minio/health/live`), 200)
  })

  it('keeps the credentials of a data folder, for this user only', async (t) => {
    const { dir, remove } = await tempDataDir()
    t.after(remove)
    const made = minioCredentials(dir)
    assert.deepEqual(minioCredentials(dir), made)
    assert.equal((await stat(made.file)).mode & 0o077, 0)
  })
})
