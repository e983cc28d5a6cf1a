import type { TestContext } from 'node:test'
import { type Browser, chromium, type Page } from 'playwright-core'
import { tool } from './tool.ts'

/** `skip` for tests that drive a page. */
export const noChromium = tool('chromium', ['--version'], 'apt-get install chromium')

const flags = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

/** Debian's Chromium; it is closed when the test ends. */
export const openChromium = async (t: Pick<TestContext, 'after'>): Promise<Browser> => {
  const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: flags })
  t.after(() => browser.close())
  return browser
}

/** What goes wrong on a page from now on: faults, requests that leave the machine, and messages that are not `expected`. */
export const watchProblems = (page: Page, url: string, expected: RegExp = /^$/): string[] => {
  const problems: string[] = []
  page.on('pageerror', (error) => problems.push(error.message))
  page.on('request', (request) => {
    const isOwn = request.url().startsWith(new URL('/', url).href) || request.url().startsWith('blob:')
    if (!isOwn) problems.push(`the page asked ${request.url()}`)
  })
  page.on('console', (message) => {
    if (message.type() === 'error' && !expected.test(message.text())) problems.push(`console: ${message.text()}`)
  })
  return problems
}
