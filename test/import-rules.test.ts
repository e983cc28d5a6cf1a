import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))

/** What dependency-cruiser says of a tree with these files and our rules. */
const cruise = async (files: Record<string, string>): Promise<string> => {
  const dir = await mkdtemp(path.join(tmpdir(), 'readflow-rules-'))
  try {
    await symlink(path.join(root, 'node_modules'), path.join(dir, 'node_modules'))
    await writeFile(path.join(dir, 'tsconfig.json'), '{}')
    for (const [name, text] of Object.entries(files)) {
      await mkdir(path.dirname(path.join(dir, name)), { recursive: true })
      await writeFile(path.join(dir, name), text)
    }
    const folders = [...new Set(Object.keys(files).map((name) => name.split('/')[0] ?? ''))]
    const cli = path.join(root, 'node_modules/dependency-cruiser/bin/dependency-cruiser.mjs')
    const { stdout, stderr } = spawnSync(process.execPath, [cli, '--config', path.join(root, '.dependency-cruiser.cjs'), ...folders], {
      cwd: dir,
      encoding: 'utf8',
    })
    return stdout + stderr
  } finally {
    await rm(dir, { recursive: true })
  }
}

for (const [rule, files] of [
  ['api-alone', { 'api/a.ts': "import '../compactor/b.ts'\n", 'compactor/b.ts': 'export {}\n' }],
  ['lake-knows-no-book', { 'lake/a.ts': "import '../schemas/b.ts'\n", 'schemas/b.ts': 'export {}\n' }],
  ['runtime-knows-no-book', { 'runtime/a.ts': "import '../lake/b.ts'\n", 'lake/b.ts': 'export {}\n' }],
  ['lineage-knows-no-program', { 'lineage/a.ts': "import '../api/b.ts'\n", 'api/b.ts': 'export {}\n' }],
  ['ops-starts-processes', { 'ops/a.ts': "import '../consumers/b.ts'\n", 'consumers/b.ts': 'export {}\n' }],
  ['kafkajs-in-one-file', { 'consumers/a.ts': "import 'kafkajs'\n" }],
  ['no-cycles', { 'lake/a.ts': "import './b.ts'\n", 'lake/b.ts': "import './a.ts'\n" }],
] as const) {
  test(`a planted violation of ${rule} is found`, async () => assert.match(await cruise(files), new RegExp(`error ${rule}:`)))
}

test('a tree that keeps the rules passes', async () => {
  assert.match(await cruise({ 'api/a.ts': "import '../lake/b.ts'\n", 'lake/b.ts': 'export {}\n' }), /no dependency violations/)
})
