// The web console in a real browser, before a real hub that has a retailer's week behind it: every
// page, every change that can be made there, who may see what, and what happens when the hub goes.
// Whatever a page should never do (an error, a warning, a request to elsewhere) fails its test.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { after, before, describe, it } from 'node:test'
import { Retailer, skip as missing, startBrowser, until, Window } from './console_rig.mjs'
import { patience } from './lib.mjs'

// The browser is the same for every build; a sanitized hub only makes it wait.
const skip = missing || (patience > 1 ? 'plain builds only' : false)
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core'), 'utf8')
const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa']

describe('the console', { skip }, () => {
  let retailer, browser, hub, pages

  before(async () => {
    retailer = await Retailer.start({ stores: 12 })
    hub = retailer.hub
    browser = await startBrowser()
    const { location, sku } = retailer.cell
    pages = {
      Now: ['', 'Needs a person'],
      Inventory: ['inventory', 'Export CSV'],
      Product: [`inventory?sku=${sku}`, 'Where it is available'],
      Explain: [`inventory/${location}/${sku}`, 'Why it is'],
      Resets: ['resets', 'What came'],
      Reset: [`resets/${retailer.held.id}`, 'By location'],
      Variances: ['variances', 'Unexplained units'],
      Stores: ['stores', 'that were not understood'],
      Channels: ['channels', 'In the shop’s words'],
      Activity: ['activity', 'Activity'],
      Settings: ['settings', 'Who decided what'],
    }
  })
  after(async () => {
    await browser?.close()
    await retailer?.stop()
  })

  async function signedIn(t, options = {}, token = hub.token) {
    const window = await Window.open(browser, hub, options)
    t.after(() => window.close())
    await window.signIn(token)
    return window
  }

  /** Answers the dialog that asks whether it is meant. */
  async function confirm(window, action, reason) {
    const dialog = window.page.getByRole('dialog')
    await dialog.waitFor()
    if (reason !== undefined) await dialog.getByRole('textbox').fill(reason)
    await dialog.getByRole('button', { name: action, exact: true }).click()
    await dialog.waitFor({ state: 'detached' })
  }

  /** The newest line of the audit log, once it is about `action`. */
  const logged = (action) =>
    until(`the audit log names ${action}`, async () => {
      const { items } = await hub.json('GET', '/v1/audit-log?limit=5')
      return items.find((line) => line.action.includes(action))
    })

  for (const [how, options] of Object.entries({
    'in the light': { colorScheme: 'light' },
    'in the dark': { colorScheme: 'dark' },
    'on a phone': { colorScheme: 'light', viewport: { width: 390, height: 844 } },
  })) {
    it(`shows every page to everybody, ${how}`, async (t) => {
      const window = await signedIn(t, options)
      await window.page.evaluate(axe)
      for (const [name, [hash, words]] of Object.entries(pages)) {
        await window.go(`#/${hash}`)
        await window.page.getByText(words).first().waitFor()
        const found = await window.page.evaluate(
          (values) => globalThis.axe.run(document, { runOnly: { type: 'tag', values } }),
          RULES
        )
        const said = found.violations.map((v) => `${v.id}: ${v.nodes.map((n) => `${n.html} ${n.failureSummary}`).join('\n')}`)
        assert.deepEqual(said, [], `${name}, ${how}`)
        const width = await window.page.evaluate(() => document.documentElement.scrollWidth - innerWidth)
        assert.ok(width <= 0, `${name} is ${width} px wider than the screen, ${how}`)
      }
      window.clean()
    })
  }

  it('tells a wrong token from a right one, and keeps it in its tab only', async (t) => {
    const window = await Window.open(browser, hub)
    t.after(() => window.close())
    const { page } = window
    await page.goto(`${hub.url}/`)
    await page.getByLabel('Token').fill('onh_wrong')
    await page.getByRole('button', { name: 'Sign in' }).click()
    await page.getByRole('alert').getByText('does not know this token').waitFor()
    window.clean(/401/)
    await window.signIn()
    const kept = await page.evaluate(() => [sessionStorage.length, localStorage.length, document.cookie, location.href])
    assert.equal(kept[0] > 0, true)
    assert.ok(!kept[3].includes(hub.token))
    assert.equal(await page.evaluate((token) => Object.values(localStorage).some((value) => value.includes(token)), hub.token), false)
    assert.equal(kept[2], '')
    const other = await window.context.newPage()
    await other.goto(`${hub.url}/`)
    await other.getByLabel('Token').waitFor()
    await page.getByRole('button', { name: 'Sign out' }).click()
    await page.getByLabel('Token').waitFor()
    assert.equal(await page.evaluate(() => sessionStorage.getItem('onhand.token')), null)
  })

  it('offers nothing that a token for reading may not do', async (t) => {
    const window = await signedIn(t, {}, retailer.reader)
    const button = (name) => window.page.getByRole('button', { name })
    const absent = {
      Explain: /Adjust by hand/, Resets: /Dry run/, Reset: /Approve|Reject|Take back/,
      Channels: /Pause|Resume|Resync|Audit|Retry/, Settings: /Run now|Revoke|Make a token/, Stores: /Replay|Throw away/,
    }
    for (const [name, [hash]] of Object.entries(pages)) {
      await window.go(`#/${hash}`)
      if (absent[name]) assert.equal(await button(absent[name]).count(), 0, name)
    }
    const refused = await hub.call('POST', '/v1/channels/web/pause', { token: retailer.reader })
    assert.equal(refused.status, 403)
    window.clean()
  })

  it('finds a product by its barcode and by its name, and saves what it shows', async (t) => {
    const window = await signedIn(t)
    const { page } = window
    const { sku, upc, name } = retailer.products[7]
    for (const words of [upc, name.toLowerCase()]) {
      await window.go('#/inventory')
      await page.getByRole('searchbox').fill(words)
      await page.getByRole('link', { name: sku, exact: true }).waitFor()
    }
    await page.getByRole('link', { name: sku, exact: true }).click()
    await page.getByText('Where it is available').waitFor()
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: 'Export CSV' }).click(),
    ])
    const lines = readFileSync(await download.path(), 'utf8').trim().split('\n')
    assert.equal(lines.length, 1 + retailer.stores.length)
    window.clean()
  })

  it('changes a figure by hand, with a reason, and shows it at once', async (t) => {
    const window = await signedIn(t)
    const { page } = window
    const [location, sku] = [retailer.stores[5].code, retailer.products[9].sku]
    const { on_hand } = await hub.cell(location, sku)
    await window.go(`#/inventory/${location}/${sku}`)
    await page.getByRole('button', { name: 'Adjust by hand' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByLabel('By how much').fill('-1')
    await dialog.getByLabel('Why').fill('broken in the window')
    await dialog.getByRole('button', { name: 'Adjust' }).click()
    await until('the books have it', async () => (await hub.cell(location, sku)).on_hand === on_hand - 1)
    const { by, note } = await logged('adjust')
    assert.deepEqual([by, note], ['admin', `${sku} at ${location} by −1: broken in the window`])
    await page.getByText('broken in the window').first().waitFor()
    window.clean()
  })

  it('tries a file without changing anything', async (t) => {
    const window = await signedIn(t)
    await window.go('#/resets')
    const before = await hub.cell(retailer.stores[6].code, retailer.products[0].sku)
    const text = `location,sku,quantity\n${retailer.stores[6].code},${retailer.products[0].sku},9999\n`
    await window.page.locator('label.drop').evaluate((drop, [name, content]) => {
      const transfer = new DataTransfer()
      transfer.items.add(new File([content], name, { type: 'text/csv' }))
      drop.dispatchEvent(new DragEvent('drop', { dataTransfer: transfer, bubbles: true, cancelable: true }))
    }, ['try.csv', text])
    await window.page.getByText('a dry run, nothing was changed').waitFor()
    assert.deepEqual(await hub.cell(retailer.stores[6].code, retailer.products[0].sku), before)
    window.clean()
  })

  it('approves what was held after a second look, and takes it back', async (t) => {
    const window = await signedIn(t)
    const { page } = window
    const state = async () => (await hub.json('GET', `/v1/resets/${retailer.held.id}`)).status
    await window.go(`#/resets/${retailer.held.id}`)
    await page.getByRole('button', { name: 'Approve' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Cancel' }).click()
    assert.equal(await state(), retailer.held.status)
    await page.getByRole('button', { name: 'Approve' }).click()
    await page.getByRole('dialog').getByRole('button').last().click()
    await until('it is applied', async () => (await state()) === 'applied')
    assert.equal((await logged('approve')).by, 'admin')
    await page.getByRole('button', { name: 'Take back' }).click()
    await page.getByRole('dialog').getByRole('button').last().click()
    await until('it is taken back', async () => (await state()) === 'rolled_back')
    assert.equal((await logged('rollback')).by, 'admin')
    window.clean()
  })

  it('rejects what was held', async (t) => {
    const window = await signedIn(t)
    const rows = retailer.rows().filter(([code], i) => code === retailer.stores[8].code && i % 5 === 0)
    const held = await hub.reset(rows, { as_of: new Date().toISOString(), source: 'prism', file: 'few.csv' })
    assert.equal(held.status, 'held')
    await window.go(`#/resets/${held.id}`)
    await window.page.getByRole('button', { name: 'Reject' }).click()
    await window.page.getByRole('dialog').getByRole('button').last().click()
    await until('it is rejected', async () => (await hub.json('GET', `/v1/resets/${held.id}`)).status === 'rejected')
    assert.equal((await logged('reject')).by, 'admin')
    window.clean()
  })

  it('pauses, resumes and repeats a channel, and tries again what is parked', async (t) => {
    const window = await signedIn(t)
    const { page } = window
    await window.go('#/channels')
    const card = page.getByRole('region', { name: 'web' })
    const order = async (name, action, done) => {
      await card.getByRole('button', { name }).first().click()
      await confirm(window, action)
      await until(`${action} is done`, async () => done(await retailer.channel('web')))
      assert.equal((await logged(action.split(' ')[0].toLowerCase())).by, 'admin')
    }
    await order('Pause web', 'Pause', ({ state }) => state === 'paused')
    await order('Resume web', 'Resume', ({ state }) => state !== 'paused')
    retailer.shop.bySku(retailer.products[2].sku).refused = undefined
    await order('Retry parked', 'Retry parked', ({ parked_count }) => parked_count === 0)
    await order('Resync web', 'Resync', ({ pending }) => pending === 0)
    await order('Audit web', 'Audit', ({ last_audit }) => last_audit !== null)
    window.clean()
  })

  it('runs a job now, makes a token and revokes it', async (t) => {
    const window = await signedIn(t)
    const { page } = window
    await window.go('#/settings')
    await page.getByRole('button', { name: 'Run now feed:daily-reset' }).click()
    await confirm(window, 'Run now')
    assert.equal((await logged('run')).by, 'admin')
    await page.getByRole('textbox', { name: 'New token for' }).fill('till-7')
    await page.getByRole('button', { name: 'Make a token' }).click()
    await confirm(window, 'Make it')
    const made = await page.locator('code.secret').innerText()
    assert.equal((await hub.call('GET', '/v1/me', { token: made })).json.name, 'till-7')
    await page.getByRole('button', { name: 'I have it' }).click()
    assert.equal(await page.getByText(made).count(), 0)
    await page.getByRole('button', { name: 'Revoke till-7' }).click()
    await confirm(window, 'Revoke')
    await until('it is revoked', async () => (await hub.call('GET', '/v1/me', { token: made })).status === 401)
    window.clean()
  })

  it('is all there for a keyboard', async (t) => {
    const window = await signedIn(t)
    const { page } = window
    const focused = () =>
      page.evaluate(() => {
        const { activeElement: element } = document
        const style = getComputedStyle(element)
        return { text: element.innerText ?? '', seen: style.outlineStyle !== 'none' || style.boxShadow !== 'none', dialog: element.closest('dialog') !== null }
      })
    await window.go('#/channels')
    await page.reload()
    await page.getByRole('button', { name: 'Pause web' }).waitFor()
    const passed = []
    for (let i = 0; i < 60 && !passed.some((text) => text.startsWith('Pause')); i++) {
      await page.keyboard.press('Tab')
      const { text, seen } = await focused()
      assert.ok(seen, `it cannot be seen that ${text} has the focus`)
      passed.push(text)
    }
    assert.ok(passed.includes('Inventory') && passed.some((text) => text.startsWith('Pause')), passed.join(' | '))
    await page.keyboard.press('Enter')
    await page.getByRole('dialog').waitFor()
    for (let i = 0; i < 5; i++) {
      await page.keyboard.press('Tab')
      const at = await focused()
      assert.ok(at.dialog || at.text === '' || (await page.evaluate(() => document.activeElement === document.body)), `the focus left the dialog for ${at.text}`)
    }
    await page.keyboard.press('Escape')
    await page.getByRole('dialog').waitFor({ state: 'detached' })
    await until('the focus is back where it was', async () => (await focused()).text.startsWith('Pause'))
    assert.notEqual((await retailer.channel('web')).state, 'paused')
    window.clean()
  })

  it('shows that the hub is gone, and heals by itself', async (t) => {
    const window = await signedIn(t)
    const { page } = window
    const { location, sku } = retailer.cell
    await window.go(`#/inventory?sku=${sku}`)
    await page.getByRole('banner').getByText(/\blive$/).waitFor()
    await hub.kill()
    await page.getByRole('banner').getByText(/reconnecting$/).waitFor()
    await hub.start()
    await page.getByRole('banner').getByText(/\blive$/).waitFor()
    const { on_hand } = await hub.cell(location, sku)
    await hub.adjust([{ id: 'after', source: 'prism', type: 'sale', delta: -1, location, sku, occurred_at: new Date().toISOString() }])
    const row = page.getByRole('row').filter({ has: page.getByRole('link', { name: location, exact: true }) })
    await row.getByText(String(on_hand - 1), { exact: true }).first().waitFor()
    window.clean(/ERR_|Failed to load resource/)
  })
})
