// Types, lint and import rules, two at a time, each with a line of its own. Plain JS.
import { spawn } from 'node:child_process'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { findNode } from '../ops/setup/node.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))
const bin = (name) => path.join(root, 'node_modules', name)
const checks = [
  ['types', [bin('typescript/bin/tsc'), '-p', '.']],
  ['types of the page', [bin('typescript/bin/tsc'), '-p', 'api/web']],
  ['lint and format', [bin('@biomejs/biome/bin/biome'), 'check', '.']],
  [
    'import rules',
    [
      bin('dependency-cruiser/bin/dependency-cruiser.mjs'),
      '--config',
      '.dependency-cruiser.cjs',
      'producers',
      'consumers',
      'schemas',
      'compactor',
      'api',
      'lake',
      'runtime',
      'lineage',
      'ops',
      'test',
    ],
  ],
  ['unused files and dependencies', [bin('knip/bin/knip.js'), '--no-progress']],
]
const run = ([name, args]) =>
  new Promise((resolve) => {
    const child = spawn(findNode(root), args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] })
    const said = []
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (piece) => said.push(piece))
    child.once('error', (error) => said.push(Buffer.from(`${error.message}\n`)))
    child.once('close', (code) => {
      process.stdout.write(`${Buffer.concat(said).toString('utf8')}${code === 0 ? 'ok' : 'FAILED'}: ${name}\n`)
      resolve(code === 0)
    })
  })
let isWell = true
const queue = [...checks]
const work = async () => {
  for (let check = queue.shift(); check; check = queue.shift()) isWell = (await run(check)) && isWell
}
await Promise.all([work(), work()])
process.exit(isWell ? 0 : 1)
