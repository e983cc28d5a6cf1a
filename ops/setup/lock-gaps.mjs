// Optional packages that package-lock.json names but does not hold. A registry that mirrors only some platforms'
// packages makes npm leave the others out, and `npm ci` then refuses the whole lock file, everywhere.
//   node ops/setup/lock-gaps.mjs   adds them, after an `npm install` against such a registry
import { readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const systems = ['android', 'darwin', 'freebsd', 'linux', 'openharmony', 'win32']
const processors = ['arm', 'arm64', 'ia32', 'ppc64', 'riscv64', 's390x', 'x64']

/** Where npm would look for a package that one at `from` needs: there, then further up. */
const places = (from, name) => {
  const found = []
  for (let at = from; ; at = at.slice(0, Math.max(0, at.lastIndexOf('/node_modules/')))) {
    found.push(`${at ? `${at}/` : ''}node_modules/${name}`)
    if (!at) return found
  }
}

/** The gaps of a lock file: `{ name, version, isDev }` for each. */
export const findGaps = ({ packages }) =>
  Object.entries(packages).flatMap(([from, { optionalDependencies = {}, dev, devOptional }]) =>
    Object.entries(optionalDependencies)
      .filter(([name]) => !places(from, name).some((place) => packages[place]))
      .map(([name, version]) => ({ name, version, isDev: Boolean(dev || devOptional) })),
  )

/** The lock file's entry of such a package. Its platform is in its name; its checksum is not known here. */
export const gapEntry = ({ name, version, isDev }) => {
  const words = name.split(/[-/]/)
  const os = words.filter((word) => systems.includes(word))
  const cpu = words.filter((word) => processors.includes(word))
  if (!/^\d+\.\d+\.\d+/.test(version) || os.length !== 1 || cpu.length !== 1)
    throw new Error(`package-lock.json lacks ${name}@${version}, which is for no platform that its name tells`)
  const isMusl = words.some((word) => word.startsWith('musl'))
  return {
    version,
    cpu,
    ...(isDev ? { dev: true } : {}),
    ...(os[0] === 'linux' ? { libc: [isMusl ? 'musl' : 'glibc'] } : {}),
    optional: true,
    os,
  }
}

/** A lock file with its gaps filled. */
export const fillGaps = (lock) => {
  const added = findGaps(lock).map((gap) => [`node_modules/${gap.name}`, gapEntry(gap)])
  const packages = Object.fromEntries([...Object.entries(lock.packages), ...added].sort(([a], [b]) => a.localeCompare(b, 'en')))
  return { ...lock, packages }
}

if (process.argv[1] && path.resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const file = fileURLToPath(new URL('../../package-lock.json', import.meta.url))
  const lock = JSON.parse(readFileSync(file, 'utf8'))
  const gaps = findGaps(lock)
  if (gaps.length > 0) writeFileSync(file, `${JSON.stringify(fillGaps(lock), null, 2)}\n`)
  process.stdout.write(`package-lock.json: ${gaps.length} optional packages of other platforms added\n`)
}
