// What the tests of the console, and the pictures of its docs, share: a small retailer with a week
// behind it and something of everything that can go wrong, and a browser that holds the console to
// its promises on the way (no error, no request but to the hub).
import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { WooCommerceShop } from '../../demo/shops/woocommerce.mjs'
import { consoleIsThere, startBrowser, whyNoBrowser } from './browser.mjs'
import { call, Hub, patience, scratch } from './lib.mjs'
import { Receiver } from './receiver.mjs'
import { random } from './shop_rig.mjs'

const DAY = 86400000
const CITIES = [
  ['NY', 'New York', 'America/New_York'], ['BOS', 'Boston', 'America/New_York'],
  ['CHI', 'Chicago', 'America/Chicago'], ['DEN', 'Denver', 'America/Denver'],
  ['LA', 'Los Angeles', 'America/Los_Angeles'], ['SEA', 'Seattle', 'America/Los_Angeles'],
  ['MIA', 'Miami', 'America/New_York'], ['DAL', 'Dallas', 'America/Chicago'],
  ['PHX', 'Phoenix', 'America/Phoenix'], ['ATL', 'Atlanta', 'America/New_York'],
]
const KINDS = ['Trail Jacket', 'Wool Cap', 'Day Pack', 'Rain Shell', 'Hiking Sock', 'Base Layer', 'Fleece Vest', 'Trek Pole']
const SIZES = ['XS', 'S', 'M', 'L', 'XL']

/** Why there is nothing to test here, or false. */
export const skip = (await whyNoBrowser()) ?? (consoleIsThere() ? false : 'this hub was built without its console (npm was missing)')

export async function until(what, check, seconds = 30) {
  const end = Date.now() + seconds * 1000 * patience
  for (;;) {
    const value = await check()
    if (value) return value
    assert.ok(Date.now() < end, `not in time: ${what}`)
    await sleep(25)
  }
}

function storesOf(count) {
  return Array.from({ length: count }, (_, i) => {
    const [letters, city, timezone] = CITIES[i % CITIES.length]
    const number = String(Math.floor(i / CITIES.length) + 1).padStart(2, '0')
    return { code: `${letters}${number}`, name: `${city} ${Number(number)}`, timezone }
  })
}

function productsOf(count) {
  return Array.from({ length: count }, (_, i) => {
    const kind = KINDS[Math.floor(i / SIZES.length) % KINDS.length]
    const size = SIZES[i % SIZES.length]
    const model = String(Math.floor(i / SIZES.length) + 1).padStart(2, '0')
    const upc = String(880000000000 + i)
    return { sku: `WH${model}-${size}`, name: `${kind} ${size}`, upc }
  })
}

/** A day of the past, counted before the stores opened. */
const morning = (back) => new Date(Math.floor((Date.now() - back * DAY) / DAY) * DAY + 7 * 3600000)

export class Retailer {
  static async start({ stores = 50, products = 40, seed = 7 } = {}) {
    const retailer = new Retailer()
    retailer.stores = storesOf(stores)
    retailer.products = productsOf(products)
    retailer.random = random(seed)
    retailer.sequence = 0
    retailer.late = []
    retailer.drop = path.join(scratch('drop'), 'inventory')
    mkdirSync(retailer.drop)
    retailer.shop = await new WooCommerceShop().start()
    for (const { sku } of retailer.products) retailer.shop.addProduct(sku)
    retailer.receiver = await Receiver.start()
    retailer.receiver.always = (_, response) => response.writeHead(503).end('closed for maintenance')
    await retailer.#startHub()
    await retailer.#describe()
    await retailer.#week()
    await retailer.#today()
    return retailer
  }

  async stop() {
    if (this.hub?.running) await this.hub.stop()
    await this.shop?.stop()
    await this.receiver?.stop()
  }

  async #startHub() {
    const config = path.join(scratch('console'), 'onhand.yaml')
    const list = (items) => items.map((item) => `  - ${JSON.stringify(item)}\n`).join('')
    const online = this.stores.slice(0, 12).map(({ code }) => code)
    writeFileSync(config, `timezone: America/New_York
unknown_products: ignore
locations:
${list(this.stores.map((store, i) => ({ ...store, safety_stock: i % 3 === 0 ? 1 : 0 })))}
sources:
  - {name: prism, type: prism, url: "http://127.0.0.1:9", poll: 1d, silent_after: 1h, opening: "00:00-24:00"}
feeds:
  - name: daily-reset
    url: ${this.drop}
    pattern: "inventory_*.csv"
    schedule: "0 5 * * *"
    source: prism
    stable_for: 100ms
channels:
  - {name: web, type: woocommerce, url: "${this.shop.url}", key: "env:WOO_KEY", secret: "env:WOO_SECRET", allow_private: true, threshold: 2, audit: "0 4 * * *", locations: ${JSON.stringify(online)}}
  - {name: erp, type: webhook, url: "${this.receiver.url}", secret: "env:HOOK_SECRET", allow_private: true}
`)
    this.env = {
      WOO_KEY: 'ck_key', WOO_SECRET: 'cs_secret', HOOK_SECRET: `whsec_${Buffer.alloc(32, 7).toString('base64')}`,
    }
    this.hub = await Hub.start({ args: ['--config', config], env: this.env })
  }

  async #describe() {
    const lines = this.products.map(({ sku, name, upc }) =>
      JSON.stringify({ sku, name, identifiers: [{ type: 'UPC', value: upc }] }))
    await this.hub.json('POST', '/v1/products', { body: lines.join('\n'), type: 'application/x-ndjson' })
  }

  /** A week of counts and of sales between them; what the books missed is a variance. */
  async #week() {
    this.stock = new Map()
    for (const { code } of this.stores)
      for (const { sku } of this.products) this.stock.set(`${code}/${sku}`, 4 + Math.floor(this.random() * 20))
    await this.count(morning(20)) // stock moves in
    for (let back = 7; back >= 1; back--) {
      this.#shrink()
      await this.count(morning(back))
      await this.#catchUp()
      await this.trade(back === 1 ? 150 : 60, morning(back).getTime() + 2 * 3600000)
    }
  }

  /** Goods walk out of some stores untold. */
  #shrink() {
    for (const [i, { code }] of this.stores.entries()) {
      if (this.random() > (i < 6 ? 0.8 : 0.25)) continue
      const key = `${code}/${this.#any(this.products).sku}`
      this.stock.set(key, Math.max(1, this.stock.get(key) - 1 - Math.floor(this.random() * 3)))
    }
  }

  #any(list) {
    return list[Math.floor(this.random() * list.length)]
  }

  rows() {
    return [...this.stock].map(([key, quantity]) => [...key.split('/'), quantity])
  }

  count(at, query = {}) {
    return this.hub.reset(this.rows(), { as_of: at.toISOString(), source: 'prism', file: `inventory_${at.toISOString().slice(0, 10)}.csv`, ...query })
  }

  /** `count` sales from `at` on, a few seconds apart. */
  async trade(count, at) {
    const lines = Array.from({ length: count }, (_, i) => {
      const { code } = this.#any(this.stores)
      const { sku } = this.#any(this.products)
      const key = `${code}/${sku}`
      const back = this.random() < 0.1
      this.stock.set(key, this.stock.get(key) + (back ? 1 : -1))
      const number = ++this.sequence
      return {
        id: `s${number}`, source: 'prism', location: code, sku, type: back ? 'return' : 'sale', delta: back ? 1 : -1,
        occurred_at: new Date(at + i * 7000).toISOString(), document: String(10000 + number), register: `${code}-R1`,
      }
    })
    // Some come only after the next count, which knew them: they explain a part of its variance.
    const late = lines.filter((_, i) => i % 5 === 4)
    this.late.push(...late)
    await this.#book(lines.filter((_, i) => i % 5 !== 4))
  }

  async #book(lines) {
    if (lines.length === 0) return
    const { results } = await this.hub.adjust(lines)
    assert.ok(results.every((result) => !result.error), JSON.stringify(results.find((result) => result.error)))
  }

  #catchUp() {
    return this.#book(this.late.splice(0))
  }

  async #today() {
    await this.#catchUp()
    await this.#documents()
    await this.#fullCell()
    await this.#file()
    this.shop.bySku(this.products[2].sku).refused = 'Sorry, this product is locked by an import.'
    await this.hub.json('POST', '/v1/channels/web/resync')
    await until('the shop refuses', async () => (await this.channel('web')).parked_count > 0)
    await until('all else is sent', async () => (await this.channel('web')).pending === 0)
    this.reader = await this.token('wallboard', ['read'])
  }

  channel(name) {
    return this.hub.json('GET', `/v1/channels/${name}`)
  }

  async token(name, scopes) {
    return (await this.hub.json('POST', '/v1/tokens', { body: { name, scopes } }, 201)).token
  }

  /** One cell with something of everything in its waterfall. */
  async #fullCell() {
    const [{ code: location }] = this.stores
    const [{ sku }] = this.products
    this.cell = { location, sku }
    const now = Date.now()
    const line = (i, more) => ({
      id: `w${i}`, source: 'prism', location, sku, register: `${location}-R1`, document: String(20000 + i),
      occurred_at: new Date(now - (40 - i) * 600000).toISOString(), ...more,
    })
    await this.hub.adjust([
      line(1, { type: 'receipt', delta: 6 }), line(2, { type: 'sale', delta: -2 }),
      line(3, { type: 'sale', delta: -1 }), line(4, { type: 'return', delta: 1 }),
      line(5, { type: 'reservation', delta: 2, order: 'W-1001' }),
      line(6, { type: 'damage', delta: -1, reason: 'torn seam' }),
      line(7, { type: 'sale', delta: -1 }),
    ])
  }

  /** This morning's file: one store lost most of its rows and is held, a few rows cannot be read. */
  async #file() {
    this.heldAt = this.stores[1].code
    const rows = this.rows().filter(([code], i) => code !== this.heldAt || i % 5 === 0)
    rows.push(['NOWHERE', this.products[0].sku, 3], [this.stores[0].code, this.products[1].sku, 'many'])
    const text = ['location,sku,quantity', ...rows.map((row) => row.join(','))].join('\n')
    writeFileSync(path.join(this.drop, `inventory_${new Date().toISOString().slice(0, 10)}.csv`), `${text}\n`)
    await this.hub.json('POST', '/v1/jobs/feed%3Adaily-reset/run', {}, 202)
    this.held = await until('the file is held', async () => {
      const { items } = await this.hub.json('GET', '/v1/resets?limit=1')
      return items[0]?.feed === 'daily-reset' && items[0].status !== 'applying' && items[0]
    })
  }

  /** Documents of tills: one with a clock that is wrong, one store silent, a number missing, one parked. */
  async #documents() {
    let sids = 500000000000000000n
    const sid = () => String(++sids)
    const line = (more) => ({
      sid: sid(), item_type: 1, quantity: 1, kit_flag: 0, invn_sbs_item_sid: '700000000000000001',
      scan_upc: this.products[3].upc, alu: this.products[3].sku, ...more,
    })
    const document = (store, number, agoMs, more = {}) => ({
      sid: sid(), document_number: number, status: 4, is_held: false, receipt_type: 0, has_sale: true,
      has_return: false, store_uid: String(800000000000000000n + BigInt(store)), store_code: this.stores[store].code,
      workstation: 1, invoice_posted_date: new Date(Date.now() - agoMs).toISOString(), items: [line()], ...more,
    })
    const body = []
    for (let store = 0; store < Math.min(8, this.stores.length); store++)
      for (let number = 101; number < 104; number++) body.push(document(store, number, (store + 1) * 1000))
    body.push(document(0, 106, 500), document(3, 104, -600000))
    body.push(document(4, 104, 3 * 3600000), document(2, 104, 1000, { items: [line({ item_type: 9 })] }))
    await this.hub.json('POST', '/v1/sources/prism/documents', { body })
  }
}

// ---- the browser ----

/** A window of a browser, that notes whatever a page should not do. */
export class Window {
  static async open(browser, hub, options = {}) {
    const window = new Window()
    window.hub = hub
    window.wrong = []
    window.context = await browser.newContext({ timezoneId: 'Europe/Berlin', locale: 'en-US', viewport: { width: 1280, height: 800 }, ...options })
    window.context.setDefaultTimeout(20000 * patience)
    window.page = await window.context.newPage()
    window.page.on('console', (message) => {
      if (['error', 'warning'].includes(message.type())) window.wrong.push(`console: ${message.text()}`)
    })
    window.page.on('pageerror', (error) => window.wrong.push(`error: ${error.stack}`))
    window.page.on('request', (request) => {
      const url = request.url()
      if (!url.startsWith(`${hub.url}/`) && !/^(data|blob):/.test(url)) window.wrong.push(`request: ${url}`)
    })
    return window
  }

  close() {
    return this.context.close()
  }

  async signIn(token = this.hub.token, hash = '#/') {
    await this.page.goto(`${this.hub.url}/${hash}`)
    await this.page.getByLabel('Token').fill(token)
    await this.page.getByRole('button', { name: 'Sign in' }).click()
    await this.page.getByRole('navigation', { name: 'Pages' }).waitFor()
  }

  /** Goes there within the console, and waits until nothing loads any more. */
  async go(hash) {
    await this.page.evaluate((to) => { location.hash = to }, hash)
    await this.settle()
  }

  async settle() {
    await this.page.waitForFunction(() => document.querySelector('main') && !/Loading |Looking…/.test(document.querySelector('main').innerText))
  }

  /** What went wrong so far, but for what `allowed` matches. */
  clean(allowed = /^$/) {
    assert.deepEqual(this.wrong.filter((text) => !allowed.test(text)), [])
  }
}

export { call, startBrowser }
