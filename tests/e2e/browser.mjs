// Debian's Chromium, driven by playwright-core (tests/package.json; ./dev check installs both).
import { existsSync } from 'node:fs'

const places = ['chromium', 'chromium-browser', 'google-chrome']

function program() {
  const directories = (process.env.PATH ?? '').split(':')
  const files = places.flatMap((name) => directories.map((directory) => `${directory}/${name}`))
  const found = [process.env.CHROMIUM, ...files].find((file) => file && existsSync(file))
  if (!found) throw new Error('no chromium here; ./dev check installs it')
  return found
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
