// A shop that answers as Adobe Commerce (Magento) does, as far as stock goes: source items that are set
// all or none, bulks that a queue applies a while later, searches, sources, limits of a call, a
// bearer token or requests signed by OAuth 1.0a.
import { createHmac, randomUUID } from 'node:crypto'
import { Shop } from './shop.mjs'

const problem = (status, message, more = {}) => ({ status, body: { message, ...more } })

const escape = (text) =>
  encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`)

export class MagentoShop extends Shop {
  constructor({ sources = ['default'], token = 'mage-token', store = 'all', queueMs = 50 } = {}) {
    super('Shop')
    this.sources = new Set(sources)
    this.token = token
    this.oauth = null // {key, secret, token, tokenSecret}
    this.store = store
    this.products = new Map() // sku in lower case -> {sku, type, refused}
    this.levels = new Map() // "source/sku" -> quantity
    this.bulks = new Map() // uuid -> operations
    this.queueMs = queueMs // null: nobody works the queue off
    this.syncMost = 20
    this.asyncMost = 5000
    this.nonces = new Set()
    this.refusesBulks = false
  }

  addProduct(sku, type = 'simple') {
    const product = { sku, type }
    this.products.set(sku.toLowerCase(), product)
    return product
  }

  shown(place, sku) {
    return this.levels.get(`${place}/${this.products.get(sku.toLowerCase())?.sku}`)
  }

  rows() {
    return [...this.levels].map(([key, quantity]) => {
      const slash = key.indexOf('/')
      return { place: key.slice(0, slash), sku: key.slice(slash + 1), quantity }
    })
  }

  #signed(call, header) {
    const given = Object.fromEntries(
      [...header.matchAll(/(\w+)="([^"]*)"/g)].map(([, name, value]) => [name, decodeURIComponent(value)])
    )
    const { oauth_signature: signature, ...own } = given
    if (this.nonces.has(own.oauth_nonce) || own.oauth_consumer_key !== this.oauth.key) return false
    this.nonces.add(own.oauth_nonce)
    const all = [...call.query, ...Object.entries(own)]
      .map(([name, value]) => [escape(name), escape(value)])
      .sort(([a, x], [b, y]) => (a < b || (a === b && x < y) ? -1 : 1))
      .map(([name, value]) => `${name}=${value}`)
      .join('&')
    const base = `${call.method}&${escape(this.url + call.path)}&${escape(all)}`
    const key = `${escape(this.oauth.secret)}&${escape(this.oauth.tokenSecret)}`
    return own.oauth_token === this.oauth.token &&
      createHmac('sha256', key).update(base).digest('base64') === signature
  }

  #allowed(call) {
    const header = call.headers.authorization ?? ''
    if (this.oauth && header.startsWith('OAuth ')) return this.#signed(call, header)
    return header === `Bearer ${this.token}`
  }

  /** Why a row is refused; null: it is not. */
  #wrong(row) {
    const product = this.products.get(String(row.sku).toLowerCase())
    if (product?.refused) return product.refused
    if (!product) return `Product with SKU "${row.sku}" does not exist`
    if (!this.sources.has(row.source_code)) return `Source with code "${row.source_code}" does not exist`
    if (typeof row.quantity !== 'number' || ![0, 1].includes(row.status)) return 'Invalid row'
    return null
  }

  #apply(rows, bulk = null) {
    for (const row of rows) {
      const { sku } = this.products.get(row.sku.toLowerCase())
      this.levels.set(`${row.source_code}/${sku}`, row.quantity)
      this.wrote(row.source_code, sku, row.quantity, { bulk })
    }
  }

  #set(rows) {
    if (!Array.isArray(rows) || rows.length === 0) return problem(400, '"sourceItems" is required.')
    if (rows.length > this.syncMost) {
      return problem(400, 'Maximum items of type "%1" is %2.', { parameters: ['SourceItemInterface[]', this.syncMost] })
    }
    const errors = rows.map((row) => this.#wrong(row)).filter(Boolean)
    if (errors.length > 0) {
      return problem(400, 'Validation Failed', { errors: errors.map((message) => ({ message, parameters: [] })) })
    }
    this.#apply(rows)
    return { body: '[]' }
  }

  #work(operations, uuid) {
    operations.forEach((operation) => {
      if (operation.status !== 4) return
      const wrong = operation.rows.map((row) => this.#wrong(row)).find(Boolean)
      operation.status = wrong ? 3 : 1
      operation.result_message = wrong ?? 'Service execution success'
      if (!wrong) this.#apply(operation.rows, uuid)
    })
  }

  #bulk(bodies) {
    if (this.refusesBulks) return problem(404, 'Request does not match any route.')
    if (!Array.isArray(bodies) || bodies.length > this.asyncMost) return problem(400, 'Maximum items is 5000.')
    const uuid = randomUUID()
    const operations = bodies.map((body, id) => ({
      id, status: 4, rows: body.sourceItems, result_message: null,
    }))
    this.bulks.set(uuid, operations)
    if (this.queueMs !== null) setTimeout(() => this.#work(operations, uuid), this.queueMs).unref()
    return {
      status: 202,
      body: {
        bulk_uuid: uuid, errors: false,
        request_items: bodies.map((_, id) => ({ id, data_hash: 'x', status: 'accepted' })),
      },
    }
  }

  /** Filters of a search: [{field, value, condition}]. */
  #filters(query) {
    const filters = {}
    for (const [key, value] of query) {
      const match = key.match(/^searchCriteria\[filter_groups\]\[(\d)\]\[filters\]\[0\]\[(\w+)\]$/)
      if (match) (filters[match[1]] ??= {})[match[2]] = value
    }
    return Object.values(filters)
  }

  #search(query, rows) {
    const filters = this.#filters(query)
    const found = rows.filter((row) => filters.every(({ field, value, condition_type: condition }) => {
      const wanted = (condition === 'in' ? value.split(',') : [value]).map((v) => v.toLowerCase())
      return wanted.includes(String(row[field]).toLowerCase())
    }))
    const size = Number(query.get('searchCriteria[pageSize]') ?? 20)
    const page = Number(query.get('searchCriteria[currentPage]') ?? 1)
    // Beyond the last page Magento gives the last one again.
    const last = Math.max(1, Math.ceil(found.length / size))
    const from = (Math.min(page, last) - 1) * size
    return { body: { items: found.slice(from, from + size), total_count: found.length } }
  }

  #salable(sku) {
    const all = this.rows().filter((row) => row.sku === sku)
    return { body: String(all.reduce((sum, row) => sum + row.quantity, 0)) }
  }

  answer(call) {
    if (!this.#allowed(call)) {
      return problem(401, "The consumer isn't authorized to access %resources.", { parameters: { resources: 'X' } })
    }
    const prefix = `/rest/${this.store}/`
    if (!call.path.startsWith(prefix)) return { status: 404, headers: { 'content-type': 'text/html' }, body: '<html>404</html>' }
    const path = call.path.slice(prefix.length)
    const body = call.body ? JSON.parse(call.body) : null
    if (call.method === 'POST' && path === 'V1/inventory/source-items') return this.#set(body.sourceItems)
    if (call.method === 'POST' && path === 'async/bulk/V1/inventory/source-items') return this.#bulk(body)
    const status = path.match(/^V1\/bulk\/([\w-]+)\/detailed-status$/)
    if (status) {
      const operations = this.bulks.get(status[1])
      if (!operations) return problem(404, 'No such entity.')
      return { body: { bulk_id: status[1], operations_list: operations.map(({ rows, ...rest }) => rest) } }
    }
    const source = path.match(/^V1\/inventory\/sources\/(.+)$/)
    if (source) {
      const code = decodeURIComponent(source[1])
      if (!this.sources.has(code)) return problem(404, 'Source with code "%value" does not exist.', { parameters: { value: code } })
      return { body: { source_code: code, name: code, enabled: true } }
    }
    const salable = path.match(/^V1\/inventory\/get-product-salable-quantity\/([^/]+)\/\d+$/)
    if (salable) return this.#salable(decodeURIComponent(salable[1]))
    if (path === 'V1/products') {
      return this.#search(call.query, [...this.products.values()].map(({ sku, type }) => ({ sku, type_id: type })))
    }
    if (path === 'V1/inventory/source-items') {
      return this.#search(call.query, this.rows().map(({ place, sku, quantity }) => ({ sku, source_code: place, quantity, status: 1 })))
    }
    return problem(404, 'Request does not match any route.')
  }
}
