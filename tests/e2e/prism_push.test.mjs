// A till, Prism and the hub, all together: the hook sends a sale from the browser, the hub polls the
// simulated Prism, and whatever way a sale comes, it counts once.
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { start } from '../../demo/prism/simulator.mjs'
import { startBrowser } from './browser.mjs'
import { Hub, patience, scratch } from './lib.mjs'
import { servePrismPage } from './prism_page.mjs'

let browser, page, prism, hub
const settings = { source: 'prism', retryMs: 40, retryMostMs: 300, signAfterMs: 100 }

before(async () => {
  prism = await start({ stores: 2, products: 4, startingStock: 0 })
  browser = await startBrowser()
  page = await servePrismPage(settings)
  const config = path.join(scratch('push'), 'onhand.yaml')
  const origin = page.url.slice(0, -1)
  writeFileSync(
    config,
    'locations: [{code: "001"}, {code: "002"}]\nsources:\n' +
      `  - {name: prism, type: prism, url: "${prism.url}", user: hub, password: "env:PRISM_PW",\n` +
      `     poll: 1s, origins: ["${origin}"]}\n`,
  )
  hub = await Hub.start({ args: ['--config', config], env: { PRISM_PW: 'secret' } })
  const token = { name: 'till', scopes: ['adjust'], locations: ['001'] }
  const { token: secret } = await hub.json('POST', '/v1/tokens', { body: token }, 201)
  Object.assign(settings, { url: hub.url, token: secret })
})
after(async () => {
  await browser.close()
  await page.close()
  await hub.stop()
  await prism.stop()
})

const source = () => hub.json('GET', '/v1/sources/prism')

const onHand = async (location, sku) => {
  const answer = await hub.call('GET', `/v1/inventory/${location}/${sku}`)
  return answer.status === 200 ? answer.json.on_hand : null
}

async function until(what, condition) {
  const end = Date.now() + 15000 * patience
  while (Date.now() < end) {
    if (await condition()) return
    await sleep(20)
  }
  assert.fail(`${what}\n${hub.log}`)
}

async function till(t) {
  const context = await browser.newContext()
  t.after(() => context.close())
  const tab = await context.newPage()
  await tab.goto(page.url)
  const push = (record) =>
    tab.evaluate((one) => window.endSale(one), JSON.parse(prism.pushed(record)))
  return { tab, push, sign: tab.locator('#onhand-sign') }
}

test('a pushed sale counts at once, and polling it again changes nothing', async (t) => {
  const { push } = await till(t)
  await push(prism.world.sell('001', [{ product: 'P0001', quantity: 2 }, { product: 'P0002' }]))
  await until('pushed', async () => (await source()).pushed === 1)
  assert.equal(await onHand('001', 'P0001'), -2)
  const before = (await source()).polled
  prism.world.sell('002', [{ product: 'P0001', quantity: 3 }])
  await until('polled', async () => (await source()).polled > before)
  await until('found', async () => (await onHand('002', 'P0001')) === -3)
  assert.equal(await onHand('001', 'P0001'), -2)
  assert.equal(await onHand('001', 'P0002'), -1)
})

test('the hub is killed: the sale waits in the browser, and counts once', async (t) => {
  const { tab, push, sign } = await till(t)
  await hub.kill()
  await push(prism.world.sell('001', [{ product: 'P0003', quantity: 4 }]))
  await sign.waitFor({ timeout: 15000 * patience })
  await tab.reload()
  await hub.start()
  await until('booked', async () => (await onHand('001', 'P0003')) === -4)
  await until('no sign', () => sign.isHidden())
  assert.equal((await source()).pushed, 1, 'by the browser, not only by polling')
  const { items } = await hub.json('GET', '/v1/inventory/001/P0003/history')
  assert.equal(items.length, 1)
})

test('a token for another store is told so, and polling brings the sale', async (t) => {
  const { push, sign } = await till(t)
  await push(prism.world.sell('002', [{ product: 'P0004' }]))
  await sign.waitFor({ timeout: 15000 * patience })
  assert.match(await sign.innerText(), /1 not taken by the hub: .*token/)
  await until('polled', async () => (await onHand('002', 'P0004')) === -1)
})
