// A shop that answers as BigCommerce does, as far as stock goes: absolute figures by location, all of
// a call or none, shown only a while after the call was answered, a budget of requests in a window.
import { Shop } from './shop.mjs'

const problem = (status, title) => ({
  status, headers: { 'content-type': 'application/problem+json' }, body: { status, title, type: 'https://example/errors', errors: {} },
})

export class BigCommerceShop extends Shop {
  constructor({ locations = [1], token = 'bc-token', hash = 'HASH', settleMs = 50 } = {}) {
    super('Shop')
    this.base = `/stores/${hash}`
    this.locations = new Set(locations)
    this.token = token
    this.products = new Map() // sku -> {sku, refused}
    this.levels = new Map() // "location/sku" -> quantity, as shown
    this.settleMs = settleMs
    this.most = 2000
    this.namesRows = true
    this.window = { most: 1000, ms: 1000, left: 1000, until: 0 }
    this.throttled = 0
    this.transactions = 0
  }

  addProduct(sku) {
    const product = { sku }
    this.products.set(sku, product)
    for (const location of this.locations) this.levels.set(`${location}/${sku}`, 0)
    return product
  }

  shown(place, sku) {
    return this.levels.get(`${place}/${sku}`)
  }

  rows() {
    return [...this.levels].map(([key, quantity]) => {
      const slash = key.indexOf('/')
      return { place: key.slice(0, slash), sku: key.slice(slash + 1), quantity }
    })
  }

  #wrong(row) {
    if (!this.products.has(row.sku)) return `SKU '${row.sku}' was not found.`
    if (!this.locations.has(row.location_id)) return `Location ${row.location_id} was not found.`
    const { refused } = this.products.get(row.sku)
    if (refused) return `Item with SKU '${row.sku}' at location ${row.location_id}: ${refused}`
    return Number.isInteger(row.quantity) ? null : `Quantity of SKU '${row.sku}' must be a whole number.`
  }

  #settle(rows) {
    for (const row of rows) {
      this.levels.set(`${row.location_id}/${row.sku}`, row.quantity)
      this.wrote(String(row.location_id), row.sku, row.quantity)
    }
  }

  #set({ items }) {
    if (items.length > this.most) return problem(422, `No more than ${this.most} items are allowed.`)
    for (const row of items) {
      const wrong = this.#wrong(row)
      if (wrong) return problem(422, this.namesRows ? wrong : 'The request could not be processed.')
    }
    if (this.settleMs > 0) setTimeout(() => this.#settle(items), this.settleMs).unref()
    else this.#settle(items)
    return { body: { transaction_id: `t${++this.transactions}` } }
  }

  #page(query, rows) {
    const limit = Math.min(Number(query.get('limit') ?? 50), 250)
    const page = Number(query.get('page') ?? 1)
    const pages = Math.ceil(rows.length / limit)
    return {
      body: {
        data: rows.slice((page - 1) * limit, page * limit),
        meta: { pagination: { total: rows.length, count: limit, per_page: limit, current_page: page, total_pages: pages, links: {} } },
      },
    }
  }

  #items(location, query) {
    const skus = query.get('sku:in')?.split(',')
    const rows = [...this.products.keys()].filter((sku) => !skus || skus.includes(sku)).map((sku, i) => ({
      identity: { sku, sku_id: i, variant_id: i, product_id: i },
      available_to_sell: this.shown(location, sku) ?? 0,
      total_inventory_onhand: this.shown(location, sku) ?? 0,
      settings: { safety_stock: 0, is_in_stock: true, warning_level: 0, bin_picking_number: '' },
    }))
    return this.#page(query, rows)
  }

  #limited() {
    const now = Date.now()
    if (now >= this.window.until) Object.assign(this.window, { left: this.window.most, until: now + this.window.ms })
    const over = this.window.left <= 0
    this.window.left -= over ? 0 : 1
    return {
      over,
      headers: {
        'x-rate-limit-requests-left': this.window.left,
        'x-rate-limit-requests-quota': this.window.most,
        'x-rate-limit-time-window-ms': this.window.ms,
        'x-rate-limit-time-reset-ms': Math.max(0, this.window.until - now),
      },
    }
  }

  answer(call) {
    const { over, headers } = this.#limited()
    if (over) {
      this.throttled++
      return { status: 429, headers, body: { status: 429, title: 'Too many requests' } }
    }
    const answer = this.#route(call)
    return { ...answer, headers: { ...headers, ...answer.headers } }
  }

  #route(call) {
    if (call.headers['x-auth-token'] !== this.token) return problem(401, 'Unauthorized')
    const path = call.path.startsWith(this.base) ? call.path.slice(this.base.length) : ''
    if (call.method === 'PUT' && path === '/v3/inventory/adjustments/absolute') return this.#set(JSON.parse(call.body))
    if (path === '/v3/inventory/locations') {
      return this.#page(call.query, [...this.locations].map((id) => ({ id, code: `L${id}`, label: `Location ${id}`, enabled: true })))
    }
    const match = path.match(/^\/v3\/inventory\/locations\/(\d+)\/items$/)
    if (match && this.locations.has(Number(match[1]))) return this.#items(match[1], call.query)
    return problem(404, 'The resource was not found.')
  }
}
