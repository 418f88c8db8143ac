// The console in a browser, against a hub with a week of a small retailer: each page shows itself
// without an error, a request to anybody else or a violation that axe finds; what is done by hand asks,
// happens and is on record; a token that may only read finds nothing to press.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { after, before, test } from 'node:test'
import { Retailer, skip as missing, startBrowser, until, Window } from './console_rig.mjs'
import { patience } from './lib.mjs'

// The browser is the same for every build; a sanitized hub only makes it wait.
const skip = missing || (patience > 1 ? 'plain builds only' : false)
let retailer, hub, browser, pages, axe

before(async () => {
  if (skip) return
  axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
  retailer = await Retailer.start({ stores: 12, products: 10 })
  hub = retailer.hub
  browser = await startBrowser()
  const { location, sku } = retailer.cell
  pages = ['', 'inventory', `inventory?sku=${sku}`, `inventory/${location}/${sku}`, 'resets',
    `resets/${retailer.held.id}`, 'variances', 'stores', 'channels', 'activity', 'settings'].map((page) => `#/${page}`)
})
after(async () => {
  await browser?.close()
  await retailer?.stop()
})

async function withWindow(options, token, work) {
  const window = await Window.open(browser, hub, options)
  try {
    await window.signIn(token)
    await work(window.page, window)
    window.clean()
  } finally {
    await window.close()
  }
}

/** axe is put in by the driver, beside the page's policy, which allows no script but its own. */
async function violations(page) {
  await page.evaluate(axe)
  const { violations } = await page.evaluate(() => globalThis.axe.run({ runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'] }))
  return violations.map((one) => `${one.id}: ${one.nodes.map((node) => node.html.slice(0, 200)).join(' | ')}`)
}

const phone = { viewport: { width: 390, height: 844 } }
for (const [name, options] of Object.entries({ light: {}, dark: { colorScheme: 'dark' }, phone })) {
  test(`every page in ${name}: no violation, nothing wider than the screen`, { skip, timeout: 120e3 }, () =>
    withWindow(options, hub.token, async (page, window) => {
      for (const hash of pages) {
        await window.go(hash)
        assert.deepEqual(await violations(page), [], hash)
        const wider = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)
        assert.ok(wider <= 0, `${hash} is ${wider} px too wide`)
      }
    }))
}

test('a wrong token is told so, and a good one is kept in the tab only', { skip, timeout: 60e3 }, async () => {
  const window = await Window.open(browser, hub)
  const { page } = window
  await page.goto(`${hub.url}/`)
  await page.getByLabel('Token').fill('oh_wrong')
  await page.getByRole('button', { name: 'Sign in' }).click()
  assert.match(await page.getByRole('alert').innerText(), /does not know this token/)
  await window.signIn()
  const kept = await page.evaluate(() => [JSON.stringify(localStorage), location.href, document.cookie].join())
  assert.ok(!kept.includes(hub.token))
  assert.ok((await page.evaluate(() => JSON.stringify(sessionStorage))).includes(hub.token))
  window.clean(/401/)
  await window.close()
})

test('an adjustment by hand asks, is made, and is on record', { skip, timeout: 60e3 }, () =>
  withWindow({}, hub.token, async (page, window) => {
    const { location, sku } = retailer.cell
    const before = (await hub.cell(location, sku)).on_hand
    await window.go(`#/inventory/${location}/${sku}`)
    await page.getByRole('button', { name: 'Adjust by hand' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.waitFor()
    await dialog.getByLabel('By how much').fill('-2')
    await dialog.getByLabel('Why').fill('shelf broke')
    await dialog.getByRole('button', { name: 'Adjust' }).click()
    await until('it is made', async () => (await hub.cell(location, sku)).on_hand === before - 2)
    const { items } = await hub.json('GET', '/v1/audit-log?limit=1')
    assert.deepEqual([items[0].by, items[0].note], ['admin', `${sku} at ${location} by −2: shelf broke`])
  }))

test('a channel is paused and resumed', { skip, timeout: 60e3 }, () =>
  withWindow({}, hub.token, async (page, window) => {
    await window.go('#/channels')
    for (const [what, state] of [['Pause', 'paused'], ['Resume', 'ok']]) {
      await page.getByRole('button', { name: `${what} web`, exact: true }).click()
      await page.getByRole('dialog').getByRole('button', { name: what, exact: true }).click()
      await until(state, async () => (await retailer.channel('web')).state === state)
    }
  }))

test('a held reset is approved at a second look', { skip, timeout: 60e3 }, () =>
  withWindow({}, hub.token, async (page, window) => {
    await window.go(`#/resets/${retailer.held.id}`)
    await page.getByRole('button', { name: 'Approve…' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Approve', exact: true }).click()
    await until('applied', async () => (await hub.json('GET', `/v1/resets/${retailer.held.id}`)).status === 'applied')
  }))

test('a token that may only read finds nothing to press', { skip, timeout: 60e3 }, () =>
  withWindow({}, retailer.reader, async (page, window) => {
    const { location, sku } = retailer.cell
    const forbidden = /Adjust|Approve|Reject…|Take back|Pause|Resync|Run now|Revoke|Make a token|Replay|Throw away/
    for (const hash of [`#/inventory/${location}/${sku}`, `#/resets/${retailer.held.id}`, '#/stores', '#/channels', '#/settings']) {
      await window.go(hash)
      assert.equal(await page.getByRole('button', { name: forbidden }).count(), 0, hash)
    }
  }))
