// Takes the pictures of docs/console.md: node tests/e2e/console_pictures.mjs DIRECTORY
import path from 'node:path'
import process from 'node:process'
import { Retailer, skip, startBrowser, until, Window } from './console_rig.mjs'

const WIDE = { viewport: { width: 1280, height: 800 } }
const PHONE = { viewport: { width: 390, height: 760 } }

if (skip) throw new Error(skip)
const directory = process.argv[2] ?? 'docs/images'
const retailer = await Retailer.start()
const browser = await startBrowser()
const { location, sku } = retailer.cell

async function picture(name, hash, options = WIDE, before = async () => {}) {
  const window = await Window.open(browser, retailer.hub, { colorScheme: 'light', timezoneId: 'America/New_York', ...options })
  await window.signIn()
  await window.go(hash)
  await before(window.page)
  await window.page.evaluate(() => document.fonts.ready)
  await window.page.screenshot({ path: path.join(directory, `console-${name}.png`), animations: 'disabled' })
  await window.close()
}

await picture('now', '#/', WIDE, async (page) => {
  // Some minutes' worth of sales in the chart would take minutes: some seconds must do.
  for (let i = 0; i < 8; i++) {
    await retailer.trade(10 + 6 * (i % 4), Date.now() - 60000)
    await page.waitForTimeout(700)
  }
  await until('all is sent', async () => (await retailer.channel('web')).pending === 0)
})
await picture('product', `#/inventory?sku=${sku}`)
await picture('explain', `#/inventory/${location}/${sku}`, { viewport: { width: 1280, height: 1000 } })
await picture('reset', `#/resets/${retailer.held.id}`)
await picture('variances', '#/variances', { ...WIDE, colorScheme: 'dark' })
await picture('stores', '#/stores')
await picture('channels', '#/channels')
await picture('phone', `#/inventory/${location}/${sku}`, PHONE)

await browser.close()
await retailer.stop()
