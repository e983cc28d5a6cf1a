import { createRequire } from 'node:module'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const web = (name: string) => fileURLToPath(new URL(`../web/${name}`, import.meta.url))
const chartJs = path.join(path.dirname(createRequire(import.meta.url).resolve('chart.js')), 'chart.umd.js')

/** Every file that the server gives out, by its path: there is no way to any other. */
export const assets: Readonly<Record<string, { file: string; type: string }>> = {
  '/': { file: web('index.html'), type: 'text/html; charset=utf-8' },
  '/assets/style.css': { file: web('style.css'), type: 'text/css; charset=utf-8' },
  '/assets/docs.css': { file: web('docs.css'), type: 'text/css; charset=utf-8' },
  '/assets/app.js': { file: web('app.js'), type: 'text/javascript; charset=utf-8' },
  '/assets/format.js': { file: web('format.js'), type: 'text/javascript; charset=utf-8' },
  '/assets/gate.js': { file: web('gate.js'), type: 'text/javascript; charset=utf-8' },
  '/assets/sections.js': { file: web('sections.js'), type: 'text/javascript; charset=utf-8' },
  '/assets/contracts.js': { file: web('contracts.js'), type: 'text/javascript; charset=utf-8' },
  '/assets/drift.js': { file: web('drift.js'), type: 'text/javascript; charset=utf-8' },
  '/assets/dom.js': { file: web('dom.js'), type: 'text/javascript; charset=utf-8' },
  '/assets/profiles.js': { file: web('profiles.js'), type: 'text/javascript; charset=utf-8' },
  '/assets/quality.js': { file: web('quality.js'), type: 'text/javascript; charset=utf-8' },
  '/assets/ratings-chart.js': { file: web('ratings-chart.js'), type: 'text/javascript; charset=utf-8' },
  '/assets/runs.js': { file: web('runs.js'), type: 'text/javascript; charset=utf-8' },
  '/assets/icon.svg': { file: web('icon.svg'), type: 'image/svg+xml' },
  '/assets/chart.js': { file: chartJs, type: 'text/javascript; charset=utf-8' },
}
