// Whether node_modules holds what package-lock.json asks for. Plain JS, no dependencies.
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'

const stampFile = (root) => path.join(root, 'node_modules', '.readflow-lock')
const lockFile = (root) => path.join(root, 'package-lock.json')

// The platform is part of it: a folder that two systems share holds the binaries of one.
const wantedStamp = (root) =>
  `${createHash('sha256')
    .update(readFileSync(lockFile(root)))
    .digest('hex')} ${process.platform}-${process.arch}`

/** Notes that node_modules fits the lock file; the last step of an install. */
export const writeStamp = (root) => writeFileSync(stampFile(root), `${wantedStamp(root)}\n`)

const fits = (wanted, here) => wanted === undefined || [wanted].flat().includes(here)

/**
 * Whether what npm says it installed (its hidden lock file) is what the lock file asks for on this platform.
 * Optional packages for others may be missing.
 */
export const isSameTree = (lock, hidden, { platform = process.platform, arch = process.arch } = {}) =>
  Object.entries(lock.packages ?? {}).every(([place, wanted]) => {
    if (place === '') return true
    const found = hidden.packages?.[place]
    if (found) return found.version === wanted.version && found.integrity === wanted.integrity
    const isForHere = fits(wanted.os, platform) && fits(wanted.cpu, arch)
    return (wanted.optional || wanted.devOptional) && (!isForHere || wanted.libc !== undefined || !wanted.os)
  })

/** True also after a plain `npm install`, which leaves no stamp: then one is written. */
export const isInstalled = (root) => {
  if (existsSync(stampFile(root)) && readFileSync(stampFile(root), 'utf8').trim() === wantedStamp(root)) return true
  const hidden = path.join(root, 'node_modules', '.package-lock.json')
  if (!existsSync(hidden)) return false
  const parse = (file) => JSON.parse(readFileSync(file, 'utf8'))
  try {
    if (!isSameTree(parse(lockFile(root)), parse(hidden))) return false
  } catch {
    return false // an unreadable hidden lock file: install
  }
  writeStamp(root)
  return true
}
