// Finds the Node that runs ReadFlow: TypeScript without a build step needs 24. Plain JS, runs under Node >= 20.
import { existsSync } from 'node:fs'
import path from 'node:path'

export const NODE_MAJOR = 24

/** The major version in text such as `v24.1.0`. */
export const majorOf = (version) => Number(/^v?(\d+)\./.exec(version)?.[1] ?? 0)

/** The path of a Node >= 24: the running one, else the one among the project's dependencies, else null. */
export const locateNode = (
  root,
  { version = process.version, execPath = process.execPath, platform = process.platform, arch = process.arch, exists = existsSync } = {},
) => {
  if (majorOf(version) >= NODE_MAJOR) return execPath
  const folder = `node-${platform === 'win32' ? 'win' : platform}-${arch}`
  const binary = path.join('node_modules', folder, 'bin', platform === 'win32' ? 'node.exe' : 'node')
  // As a package, ReadFlow sits in a node_modules of others, and its dependencies beside it.
  return [path.join(root, binary), path.join(root, '..', '..', binary)].find((candidate) => exists(candidate)) ?? null
}

/** The same, but ends the process with one line where there is none. */
export const findNode = (root) => {
  const found = locateNode(root)
  if (found) return found
  process.stderr.write(
    `readflow: Node ${NODE_MAJOR} or newer is needed; this is ${process.version}, and no build of it came with the packages for ${process.platform}-${process.arch}. Install it from https://nodejs.org/en/download and try again.\n`,
  )
  process.exit(1)
}
