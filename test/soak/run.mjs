// Runs the soak under Node 24. Plain JS: it may be started by any Node >= 20.
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { findNode } from '../../ops/setup/node.mjs'
import { nodeFlags } from '../../runtime/node-flags.mjs'

const root = fileURLToPath(new URL('../..', import.meta.url))
const child = spawn(findNode(root), [...nodeFlags('soak'), fileURLToPath(new URL('main.ts', import.meta.url)), ...process.argv.slice(2)], {
  cwd: root,
  stdio: 'inherit',
})
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal))
child.on('close', (code) => process.exit(code ?? 1))
