import { randomBytes } from 'node:crypto'
import { accessSync, constants, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { ReadflowError } from '../../runtime/errors.ts'
import { cacheDir } from './artifacts.ts'
import { javaEnv } from './java.ts'
import { dataMark } from './pid-file.ts'
import type { ServiceSpec } from './service.ts'

const HOST = '127.0.0.1'
const REGION = 'us-east-1'
const REQUEST_TIMEOUT_MS = 2000
const exe = process.platform === 'win32' ? '.exe' : ''

/** The release that is run and tested. */
const MINIO_MODULE = 'github.com/minio/minio@v0.0.0-20260212201848-7aac2a2c5b7c'
/** How to get the MinIO binary to where it is looked for; needs Go. */
export const minioInstall = `GOBIN=~/.cache/readflow/bin go install ${MINIO_MODULE}`

/**
 * Path of the MinIO binary: `READFLOW_MINIO`, else the one on PATH, else the one in the cache. Throws ReadflowError
 * `missing-tool` with the command that installs it.
 */
export const findMinio = (env: NodeJS.ProcessEnv): string => {
  const named = env['READFLOW_MINIO']
  const folders = [...(env['PATH'] ?? '').split(path.delimiter).filter(Boolean), path.join(cacheDir(env), 'bin')]
  const found = (named ? [named] : folders.map((folder) => path.join(folder, `minio${exe}`))).find(isExecutable)
  if (found) return found
  const what = named ? `READFLOW_MINIO names ${named}, which can not be run` : 'MinIO is not installed'
  throw new ReadflowError('missing-tool', `${what}.`, { hint: `Install it: ${minioInstall} (some minutes, once).` })
}

const isExecutable = (file: string): boolean => {
  try {
    accessSync(file, constants.X_OK)
    return true
  } catch {
    return false // not there, or not for us
  }
}

export interface MinioCredentials {
  accessKeyId: string
  secretAccessKey: string
  /** The same as a file that every AWS SDK reads: `AWS_SHARED_CREDENTIALS_FILE`. */
  file: string
}

/** The root account of a data folder's MinIO: made up once, kept in a file that only this user can read. */
export const minioCredentials = (dataDir: string): MinioCredentials => {
  const file = path.join(minioDir(dataDir), 'credentials')
  if (!existsSync(file)) {
    mkdirSync(path.dirname(file), { recursive: true })
    const lines = [
      '[default]',
      `aws_access_key_id = ${randomBytes(10).toString('hex')}`,
      `aws_secret_access_key = ${randomBytes(20).toString('hex')}`,
    ]
    writeFileSync(file, `${lines.join('\n')}\n`, { mode: 0o600 })
  }
  const content = readFileSync(file, 'utf8')
  const value = (name: string) => new RegExp(`^${name} *= *(\\S+)`, 'm').exec(content)?.[1]
  const [accessKeyId, secretAccessKey] = [value('aws_access_key_id'), value('aws_secret_access_key')]
  if (!accessKeyId || !secretAccessKey)
    throw new ReadflowError('config', `${file} holds no credentials.`, { hint: 'Remove it: new ones are made then.' })
  return { accessKeyId, secretAccessKey, file }
}

const minioDir = (dataDir: string) => path.join(dataDir, 'minio')

/** The lake in a bucket of a local MinIO. */
export const minioLakeUrl = ({ port, bucket }: { port: number; bucket: string }): string =>
  `s3://${bucket}/lake?endpoint=http://${HOST}:${port}&region=${REGION}`

export interface MinioOptions {
  dataDir: string
  port: number
  /** Path of the binary: `findMinio`. */
  binary: string
  /** Created where it is missing. */
  bucket: string
  env: NodeJS.ProcessEnv
}

/** How to run MinIO on `<data>/minio`, with one bucket. */
export const minioSpec = ({ dataDir, port, binary, bucket, env }: MinioOptions): ServiceSpec => {
  const dir = minioDir(dataDir)
  const drive = path.join(dir, 'drive')
  // A folder of a drive is a bucket: it is there from the first request on.
  mkdirSync(path.join(drive, bucket), { recursive: true })
  const { accessKeyId, secretAccessKey } = minioCredentials(dataDir)
  return {
    name: 'minio',
    title: 'MinIO',
    dataDir,
    address: `${HOST}:${port}`,
    command: binary,
    args: ['server', '--address', `${HOST}:${port}`, '--certs-dir', path.join(dataMark(dataDir, 'minio'), 'certs'), drive],
    env: {
      ...javaEnv(env),
      MINIO_ROOT_USER: accessKeyId,
      MINIO_ROOT_PASSWORD: secretAccessKey,
      MINIO_REGION: REGION,
      MINIO_BROWSER: 'off',
      MINIO_UPDATE: 'off',
      GOMEMLIMIT: '256MiB',
    },
    cwd: dir,
    isReady: async (signal) => {
      const limit = AbortSignal.any([signal, AbortSignal.timeout(REQUEST_TIMEOUT_MS)])
      const response = await fetch(`http://${HOST}:${port}/minio/health/ready`, { signal: limit })
      await response.arrayBuffer()
      return response.ok
    },
  }
}
