// Debian's Chromium, driven by playwright-core (tests/package.json; ./dev check installs both).
import { existsSync } from 'node:fs'
import { root } from './lib.mjs'

const places = ['chromium', 'chromium-browser', 'google-chrome']

function find() {
  const directories = (process.env.PATH ?? '').split(':')
  const files = places.flatMap((name) => directories.map((directory) => `${directory}/${name}`))
  return [process.env.CHROMIUM, ...files].find((file) => file && existsSync(file))
}

function program() {
  const found = find()
  if (!found) throw new Error('no chromium here; ./dev check installs it')
  return found
}

/** Why no browser can be started here; null: one can. */
export async function whyNoBrowser() {
  if (!find()) return 'no chromium here; ./dev check installs it'
  const driver = await import('playwright-core').catch(() => null)
  return driver ? null : 'playwright-core is missing: npm ci --prefix tests'
}

/** Whether npm was there when the hub was built. */
export function consoleIsThere() {
  return existsSync(`${root}/console/dist/index.html`)
}

/** A browser; whoever starts it closes it. */
export async function startBrowser() {
  const { chromium } = await import('playwright-core').catch((cause) => {
    throw new Error('playwright-core is missing: npm ci --prefix tests', { cause })
  })
  // The pages are our own; as root there is no sandbox to be had.
  const args = ['--disable-dev-shm-usage', ...(process.getuid() === 0 ? ['--no-sandbox'] : [])]
  return chromium.launch({ executablePath: program(), args })
}
