import { readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

export interface Asset {
  file: string
  type: string
  /** Its name changes with what is in it: it may be kept for ever. */
  isImmutable: boolean
}

const web = (name: string) => fileURLToPath(new URL(`../web/${name}`, import.meta.url))
const html = 'text/html; charset=utf-8'
const script = 'text/javascript; charset=utf-8'

/** Paths of the one page: which part of it is shown the page itself finds out. */
export const pagePaths = ['/', '/books', '/books/:id', '/pipeline', '/topics', '/topics/:topic', '/shelf', '/dead-letters', '/sql'] as const

/** What answers at all of them. */
export const page: Asset = { file: web('index.html'), type: html, isImmutable: false }

/** The bundle's files: those of the folder as it is now. */
const bundled = (): string[] => {
  try {
    return readdirSync(web('dist')).filter((name) => name.endsWith('.js'))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}

/** Every other file that the server gives out, by its path: there is no way to any more. */
export const assets = (): Readonly<Record<string, Asset>> => ({
  '/assets/style.css': { file: web('style.css'), type: 'text/css; charset=utf-8', isImmutable: false },
  '/assets/docs.css': { file: web('docs.css'), type: 'text/css; charset=utf-8', isImmutable: false },
  '/assets/icon.svg': { file: web('icon.svg'), type: 'image/svg+xml', isImmutable: false },
  ...Object.fromEntries(
    bundled().map((name) => [`/assets/${name}`, { file: web(`dist/${name}`), type: script, isImmutable: /-[A-Z0-9]{8}\.js$/.test(name) }]),
  ),
})
