// Types, lint and import rules, one after the other, each with a line of its own. Plain JS.
import { spawnSync } from 'node:child_process'
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
let failed = 0
for (const [name, args] of checks) {
  const { status } = spawnSync(findNode(root), args, { cwd: root, stdio: 'inherit' })
  process.stdout.write(`${status === 0 ? 'ok' : 'FAILED'}: ${name}\n`)
  if (status !== 0) failed++
}
process.exit(failed === 0 ? 0 : 1)
