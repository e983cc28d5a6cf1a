import path from 'node:path'
import type { Artifacts } from './artifacts.ts'
import { classArchive, whileArchiving } from './class-archive.ts'
import { javaEnv } from './java.ts'
import { SMALL_JVM, serverFlags } from './jvm.ts'
import type { ServiceSpec } from './service.ts'

const HOST = '127.0.0.1'
const REQUEST_TIMEOUT_MS = 2000

/** Where the registry's Confluent-compatible API is. */
export const registryUrl = (port: number): string => `http://${HOST}:${port}/apis/ccompat/v7`

/**
 * The registry's settings. The database's path is relative to its working folder, as H2 takes semicolons in
 * one for options; without WRITE_DELAY=0, H2 writes a commit half a second late, and a kill -9 loses it.
 */
export const registryEnv = (port: number): Record<string, string> => ({
  QUARKUS_HTTP_HOST: HOST,
  QUARKUS_HTTP_PORT: String(port),
  REGISTRY_DATASOURCE_URL: 'jdbc:h2:file:./db;WRITE_DELAY=0',
  QUARKUS_LOG_LEVEL: 'WARN',
  LOG_LEVEL: 'WARN',
  REGISTRY_LOG_LEVEL: 'WARN',
})

/** How to run the schema registry. */
export const registrySpec = ({
  dataDir,
  port,
  java,
  javaVersion,
  isArchiving,
  artifacts,
  env,
}: {
  dataDir: string
  port: number
  java: string
  javaVersion: string
  isArchiving: boolean
  artifacts: Artifacts
  env: NodeJS.ProcessEnv
}): ServiceSpec => {
  const archive = classArchive({ dir: artifacts.dir, name: 'registry', javaVersion, isMade: isArchiving })
  return {
    name: 'registry',
    title: 'The schema registry',
    dataDir,
    address: `${HOST}:${port}`,
    command: java,
    args: [
      ...SMALL_JVM,
      ...serverFlags({ dataDir, name: 'registry', archive }),
      // Else its transaction manager opens a port only to have a number that is its own.
      '-DCoreEnvironmentBean.processImplementationClassName=com.arjuna.ats.internal.arjuna.utils.UuidProcessId',
      '-jar',
      artifacts.registryJar,
    ],
    env: { ...javaEnv(env), ...registryEnv(port) },
    cwd: path.join(dataDir, 'registry'),
    isReady: async (signal) => {
      const response = await fetch(`${registryUrl(port)}/subjects`, {
        signal: AbortSignal.any([signal, AbortSignal.timeout(REQUEST_TIMEOUT_MS)]),
      })
      await response.arrayBuffer()
      return response.ok
    },
    ...whileArchiving(archive),
  }
}
