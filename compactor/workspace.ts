import { mkdir, rm } from 'node:fs/promises'
import path from 'node:path'
import type { Release } from '../runtime/lifecycle.ts'
import { removeLeftovers } from './temp.ts'

/** A folder of this process's own below the data folder, gone when it ends; what dead processes left there goes too. */
export const openWorkspace = async (dataDir: string, program: string, defer: (release: Release) => void): Promise<string> => {
  const dir = path.join(dataDir, 'tmp', program, String(process.pid))
  await removeLeftovers(path.dirname(dir))
  await mkdir(dir, { recursive: true })
  defer(() => rm(dir, { recursive: true, force: true }))
  return dir
}
