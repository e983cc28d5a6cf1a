#!/usr/bin/env node
// readflow <command> [flags]: finds Node >= 24 and runs the command's program. Plain JS, runs under Node >= 20.
import { spawn } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { constants } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { ensurePage } from '../ops/setup/build-page.mjs'
import { ensureInstalled } from '../ops/setup/install.mjs'
import { findNode } from '../ops/setup/node.mjs'
import { nodeFlags, programEnv } from '../runtime/node-flags.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))

const commands = {
  up: ['ops/up/main.ts', 'start the local stack and every program; Ctrl-C stops them'],
  stack: ['ops/stack/main.ts', 'start the local broker and schema registry only'],
  poll: ['producers/main.ts', 'ask the source and publish what it answers'],
  consume: ['consumers/main.ts', 'sink the topics into Bronze and Silver'],
  compact: ['compactor/main.ts', 'build Gold from Silver and publish it'],
  serve: ['api/main.ts', 'serve the API and the page'],
  status: ['api/commands/status.ts', 'say how everything is, and what to do'],
  doctor: ['ops/doctor/main.ts', 'check the set-up, and say what to do'],
  stages: ['ops/stages/main.ts', 'list the stages of the up that runs, with last and next run'],
  run: ['ops/run/main.ts', 'have a stage run now'],
  retry: ['ops/retry/main.ts', 'try a stage that has failed again, and what depends on it'],
  restart: ['ops/restart/main.ts', 'end a program or server that hangs, and start it again'],
  backfill: ['producers/backfill/main.ts', 'ask the source for past days'],
  pause: ['ops/pause/main.ts', 'pause a stage of the up that runs, so that its group is idle'],
  resume: ['ops/resume/main.ts', 'let a paused stage run again'],
  'kafka-tool': ['ops/kafka-tool/main.ts', "run one of Kafka's own command-line tools, such as consumer-groups"],
  optimize: ['compactor/commands/optimize.ts', 'merge small files of tables'],
  vacuum: ['compactor/commands/vacuum.ts', 'remove files that no retained version of a table needs'],
  replay: ['consumers/replay/main.ts', 'derive a range of a table again, show the difference, and swap it in'],
  rollback: ['consumers/rollback/main.ts', 'take the last replay of a table back'],
  reparse: ['producers/reparse/main.ts', 'make records again of the responses that were kept, by the code of now'],
  verify: ['consumers/verify/main.ts', 'prove that every offset is in the tables once'],
  gate: ['compactor/commands/gate.ts', 'say what holds Gold, or publish a held build anyway'],
  history: ['compactor/commands/history.ts', 'list the versions of a table'],
  lineage: ['compactor/commands/lineage.ts', 'show where a row came from, back to the request'],
  sql: ['api/commands/sql.ts', 'ask SQL of the lake, read-only'],
  export: ['api/commands/export.ts', 'write one published Gold to a file'],
  keys: ['api/commands/keys.ts', 'make, list and revoke keys of the API'],
  dlq: ['consumers/letters/main.ts', 'list dead letters, show one, send them again, or discard them'],
}

const help = () =>
  [
    'readflow <command> [flags]',
    '',
    ...Object.entries(commands).map(([name, [, purpose]]) => `  ${name.padEnd(12)}${purpose}`),
    '',
    '  readflow <command> --help   the flags of a command',
    '  readflow --version          the version',
    '',
  ].join('\n')

/** Runs a program to its end, passes stop signals on, and ends as it ended. */
const run = (name, file, args) => {
  // The IPC channel is for its closing: a program stops when whoever started it is gone, even by kill -9.
  const child = spawn(findNode(root), [...nodeFlags(name), file, ...args], {
    env: programEnv(name, process.env),
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
  })
  // Ctrl-C in a terminal reaches the whole group, so the program has it already; a second one would be
  // harmless, as a program stops once. A signal sent to this process alone must be passed on.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal === 'SIGHUP' ? 'SIGTERM' : signal))
  child.on('error', (error) => {
    process.stderr.write(`readflow: ${error.message}\n`)
    process.exit(1)
  })
  child.on('exit', (code, signal) => {
    if (!signal) process.exit(code ?? 1)
    for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.removeAllListeners(name)
    process.kill(process.pid, signal)
    // Where the signal is one that does not end us.
    setTimeout(() => process.exit(128 + (constants.signals[signal] ?? 0)), 100)
  })
}

const [name, ...args] = process.argv.slice(2)
if (name === undefined || name === '--help' || name === '-h' || name === 'help') process.stdout.write(help())
else if (name === '--version' || name === '-v')
  process.stdout.write(`${JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')).version}\n`)
else if (!Object.hasOwn(commands, name)) {
  process.stderr.write(
    `readflow: there is no command ${JSON.stringify(name)}. Commands: ${Object.keys(commands).join(', ')}; see readflow --help.\n`,
  )
  process.exitCode = 2
} else {
  const installed = await ensureInstalled(root)
  if (installed !== 0) process.exit(installed)
  if (['up', 'serve'].includes(name) && (await ensurePage(root)) !== 0) process.exit(1)
  const source = path.join(root, commands[name][0])
  // The package holds JavaScript, because Node strips no types under node_modules.
  run(name, existsSync(source) ? source : source.replace(/\.ts$/, '.js'), args)
}
