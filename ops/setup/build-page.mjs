// Bundles the page (api/web) into api/web/dist, where its sources or packages have changed. Plain JS, runs under Node >= 20.
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const say = (line) => process.stderr.write(`setup: ${line}\n`)

const sources = (dir) =>
  readdirSync(dir, { withFileTypes: true })
    .flatMap((entry) =>
      entry.isDirectory() ? (entry.name === 'dist' ? [] : sources(path.join(dir, entry.name))) : [path.join(dir, entry.name)],
    )
    .sort()

/** Names what the bundle is made of: the page's files, and the packages that the lock file pins. */
const stampOf = (root, web) => {
  const hash = createHash('sha256')
  for (const file of [...sources(web), path.join(root, 'package-lock.json'), fileURLToPath(import.meta.url)]) {
    if (existsSync(file)) hash.update(path.relative(root, file)).update('\0').update(readFileSync(file)).update('\0')
  }
  return hash.digest('hex')
}

/** Makes api/web/dist fit its sources. Resolves to an exit code; says nothing where nothing is to do. */
export const ensurePage = async (root) => {
  const web = path.join(root, 'api/web')
  const dist = path.join(web, 'dist')
  // A published package and an image carry the bundle, and may lack what makes it.
  if (!existsSync(path.join(web, 'main.tsx'))) return 0
  const stamp = stampOf(root, web)
  const stampFile = path.join(dist, 'stamp')
  if (existsSync(stampFile) && readFileSync(stampFile, 'utf8') === stamp) return 0
  const startedMs = Date.now()
  const making = `${dist}.${process.pid}`
  try {
    const { build } = await import('esbuild')
    mkdirSync(making, { recursive: true })
    await build({
      entryPoints: { app: path.join(web, 'main.tsx') },
      outdir: making,
      bundle: true,
      minify: true,
      splitting: true,
      format: 'esm',
      target: 'es2022',
      jsx: 'automatic',
      jsxImportSource: 'preact',
      chunkNames: '[name]-[hash]',
      legalComments: 'none',
      logLevel: 'silent',
      // react is what some libraries ask for; preact answers.
      alias: { react: 'preact/compat', 'react-dom': 'preact/compat' },
    })
    writeFileSync(path.join(making, 'stamp'), stamp)
    // Whole or not at all, also where two set-ups run at once.
    const old = `${dist}.old.${process.pid}`
    if (existsSync(dist)) renameSync(dist, old)
    renameSync(making, dist)
    rmSync(old, { recursive: true, force: true })
    say(`page bundled in ${Date.now() - startedMs} ms`)
    return 0
  } catch (error) {
    rmSync(making, { recursive: true, force: true })
    if (existsSync(stampFile) && readFileSync(stampFile, 'utf8') === stamp) return 0
    say(
      `the page could not be bundled: ${String(error.message ?? error)
        .split('\n')
        .slice(0, 3)
        .join(' ')}`,
    )
    return 1
  }
}

if (process.argv[1] && path.resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  process.exitCode = await ensurePage(fileURLToPath(new URL('../..', import.meta.url)))
}
