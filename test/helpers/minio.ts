import { findMinio, minioCredentials, minioInstall, minioLakeUrl, minioSpec } from '../../ops/stack/minio.ts'
import { pickPort } from '../../ops/stack/ports.ts'
import { startService } from '../../ops/stack/service.ts'
import { startWatcher } from '../../ops/stack/watcher.ts'
import { tempDataDir } from './stack.ts'
import { tool } from './tool.ts'

/** For node:test's `skip`: why MinIO can't run here, or false. Under CI=true a missing one fails. */
export const minioSkip = (): string | false => {
  let binary = 'minio'
  try {
    binary = findMinio(process.env)
  } catch {
    // `tool` says how to install it
  }
  return tool(binary, ['--version'], minioInstall)
}

export interface TestMinio {
  /** Such as `http://127.0.0.1:23456`. */
  endpoint: string
  port: number
  bucket: string
  /** A lake in the bucket; with a name, one of its own beside the others. */
  lakeUrl: (name?: string) => string
  /** Credentials, for the environment of child processes; this process has them already. */
  env: { AWS_ACCESS_KEY_ID: string; AWS_SECRET_ACCESS_KEY: string }
  /** SIGKILL, and waits for its end; `start` runs it again on the same port and data. */
  kill: () => Promise<void>
  start: () => Promise<void>
  /** Ends it and removes its data. */
  stop: () => Promise<void>
}

/**
 * A MinIO with one bucket for one test file, on a free port: start it in `before`, stop it in `after`. It ends with this
 * process, however that ends. Puts its credentials into this process' environment, where the S3 client looks for them.
 */
export const startTestMinio = async ({ bucket = 'lake' }: { bucket?: string } = {}): Promise<TestMinio> => {
  const { dir: dataDir, remove } = await tempDataDir()
  const { port } = await pickPort({ port: 0, isExplicit: false, flag: '--minio-port' })
  const watcher = startWatcher()
  const spec = minioSpec({ dataDir, port, binary: findMinio(process.env), bucket, env: process.env })
  const { accessKeyId, secretAccessKey } = minioCredentials(dataDir)
  const env = { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey }
  for (const name of ['AWS_PROFILE', 'AWS_SESSION_TOKEN']) delete process.env[name]
  Object.assign(process.env, env)
  let running = await startService(spec, { watcher })
  return {
    endpoint: `http://127.0.0.1:${port}`,
    port,
    bucket,
    lakeUrl: (name = 'lake') => minioLakeUrl({ port, bucket }).replace('/lake?', `/${name}?`),
    env,
    kill: async () => {
      process.kill(running.pid, 'SIGKILL')
      await running.exited
    },
    start: async () => {
      running = await startService(spec, { watcher })
    },
    stop: async () => {
      await running.stop()
      await watcher.close()
      await remove()
    },
  }
}
