// A shop that answers as Shopify's GraphQL Admin API does, as far as stock goes: compare-and-set,
// idempotency keys, all rows or none, items not stocked at a location, a leaky bucket of points,
// pages, tokens that expire, and webhooks of orders, signed.
import { createHmac, randomUUID } from 'node:crypto'
import { BadDocument, parse, pick } from './graphql.mjs'
import { Shop } from './shop.mjs'

export const gid = (type, number) => `gid://shopify/${type}/${number}`

export class ShopifyShop extends Shop {
  /** locations: {number: name} */
  constructor({ locations, token = 'shpat_token', maximum = 2000, restore = 100 } = {}) {
    super('Shop')
    this.locations = new Map(Object.entries(locations).map(([id, name]) => [gid('Location', id), name]))
    this.tokens = new Set([token])
    this.client = null // {id, secret, seconds}: hands out tokens by client credentials
    this.bucket = { maximum, restore, level: maximum, at: Date.now() }
    this.items = new Map() // id -> {id, sku, levels: Map of location id -> available}
    this.keys = new Map() // idempotency key -> {input, answer}
    this.maxCost = 1000
    this.hooks = null // {url, secret}
    this.bulk = { polls: 2, status: 'COMPLETED', refused: null, file: (text) => text } // how bulk reading goes
    this.operations = new Map() // id -> {left, text, key}
    this.nextItem = 1
    this.nextOrder = 1001
  }

  addVariant(sku, stocked = [...this.locations.keys()]) {
    const id = gid('InventoryItem', this.nextItem++)
    this.items.set(id, { id, sku, levels: new Map(stocked.map((location) => [location, 0])) })
    return id
  }

  addProduct(sku) {
    return this.addVariant(sku)
  }

  /** null: it does not sell it. */
  product(sku) {
    const [item] = this.bySku(sku)
    return item ? { refused: item.refused ?? item.cannotStock } : null
  }

  /** By a location's name: what all variants of the SKU show; NaN where they differ. */
  shown(place, sku) {
    const location = [...this.locations].find(([, name]) => name === place)[0]
    const shown = new Set(this.bySku(sku).map((item) => item.levels.get(location)))
    return shown.size > 1 ? NaN : [...shown][0]
  }

  bySku(sku) {
    return [...this.items.values()].filter((item) => item.sku === sku)
  }

  available(sku, location) {
    return this.bySku(sku)[0]?.levels.get(location)
  }

  rows() {
    return [...this.items.values()].flatMap((item) =>
      [...item.levels].map(([location, quantity]) => ({ place: this.locations.get(location), sku: item.sku, quantity })))
  }

  // ---- the bucket ----

  #refill() {
    const now = Date.now()
    const { bucket } = this
    bucket.level = Math.min(bucket.maximum, bucket.level + ((now - bucket.at) / 1000) * bucket.restore)
    bucket.at = now
  }

  #costOf(type, fields) {
    const walk = (list) => list.reduce((sum, field) => {
      if (field.fields.length === 0) return sum
      return sum + 1 + walk(field.fields) * (field.args.first ? Math.ceil(field.args.first / 10) : 1)
    }, 0)
    return type === 'mutation' ? 10 * fields.length : walk(fields)
  }

  // ---- answering ----

  answer(call) {
    if (call.path.startsWith('/bulk/')) return this.#file(call)
    if (call.path === '/admin/oauth/access_token') return this.#token(call)
    if (!/^\/admin\/api\/\d{4}-\d\d\/graphql\.json$/.test(call.path)) return { status: 404, body: { errors: 'Not Found' } }
    if (!this.tokens.has(call.headers['x-shopify-access-token'])) {
      return { status: 401, body: { errors: '[API] Invalid API key or access token (unrecognized login or wrong password)' } }
    }
    let document
    try {
      const { query, variables } = JSON.parse(call.body)
      document = parse(query, variables ?? {})
    } catch (error) {
      return { body: { errors: [{ message: error.message, extensions: { code: 'BAD_REQUEST' } }] } }
    }
    const cost = this.#costOf(document.type, document.fields)
    call.operation = document.fields[0]?.name
    this.#refill()
    const extensions = (actual) => ({
      cost: {
        requestedQueryCost: cost, actualQueryCost: actual,
        throttleStatus: {
          maximumAvailable: this.bucket.maximum, currentlyAvailable: Math.floor(this.bucket.level),
          restoreRate: this.bucket.restore,
        },
      },
    })
    const refuse = (message, code) => ({
      body: { errors: [{ message, extensions: { code } }], extensions: extensions(null) },
    })
    if (cost > this.maxCost) return refuse('Query cost exceeds the single query max cost limit', 'MAX_COST_EXCEEDED')
    if (cost > this.bucket.level) {
      this.throttled = (this.throttled ?? 0) + 1
      return refuse('Throttled', 'THROTTLED')
    }
    this.bucket.level -= cost
    const data = {}
    try {
      for (const field of document.fields) {
        const result = this[`on_${field.name}`]?.(field)
        if (result === undefined) throw new BadDocument(`Field '${field.name}' doesn't exist`)
        if (result instanceof Error) return refuse(result.message, result.code)
        data[field.alias] = pick(result, field.fields)
      }
    } catch (error) {
      if (!(error instanceof BadDocument)) throw error
      return refuse(error.message, 'undefinedField')
    }
    return { body: { data, extensions: extensions(cost) } }
  }

  #token(call) {
    const asked = new URLSearchParams(call.body)
    const right = this.client && asked.get('grant_type') === 'client_credentials' &&
      asked.get('client_id') === this.client.id && asked.get('client_secret') === this.client.secret
    if (!right) return { status: 400, body: { error: 'invalid_client' } }
    const token = `shpat_${randomUUID()}`
    this.tokens.add(token)
    return { body: { access_token: token, scope: 'write_inventory', expires_in: this.client.seconds ?? 86399 } }
  }

  // ---- bulk reading: a file that is written in its own time, and read without a token ----

  on_productVariantsCount() {
    return { count: this.countedAs ?? this.items.size }
  }

  on_bulkOperationRunQuery({ args }) {
    const going = [...this.operations].find(([, operation]) => operation.left > 0)
    const message = this.bulk.refused ??
      (going ? `A bulk query operation for this app and shop is already in progress: ${going[0]}.` : null)
    if (message) return { bulkOperation: null, userErrors: [{ field: null, message }] }
    parse(args.query)
    const id = gid('BulkOperation', 700 + this.operations.size)
    const lines = [...this.items.values()].flatMap((item) => [
      { id: item.id },
      ...[...item.levels].map(([location, quantity]) => ({
        id: `${item.id}?${location}`, item: { sku: item.sku }, location: { id: location },
        quantities: [{ name: 'available', quantity }], __parentId: item.id,
      })),
    ])
    const text = this.bulk.file(lines.map((line) => `${JSON.stringify(line)}\n`).join(''))
    this.operations.set(id, { left: this.bulk.polls, text, count: lines.length, key: randomUUID() })
    return { bulkOperation: { id, status: 'CREATED' }, userErrors: [] }
  }

  on_node({ args }) {
    const operation = this.operations.get(args.id)
    if (!operation) return null
    const status = operation.left-- > 0 ? 'RUNNING' : this.bulk.status
    const done = status === 'COMPLETED'
    return {
      id: args.id, status, errorCode: done || status === 'RUNNING' ? null : 'INTERNAL_SERVER_ERROR',
      objectCount: String(operation.count), fileSize: done ? String(this.bulk.size ?? Buffer.byteLength(operation.text)) : null,
      url: done && operation.count > 0 ? `${this.url}/bulk/${args.id.split('/').at(-1)}.jsonl?signature=${operation.key}` : null,
    }
  }

  on_bulkOperationCancel({ args }) {
    const operation = this.operations.get(args.id)
    if (operation) operation.left = 0
    this.cancelled = (this.cancelled ?? 0) + 1
    return { bulkOperation: { id: args.id }, userErrors: [] }
  }

  #file(call) {
    const operation = this.operations.get(gid('BulkOperation', call.path.replace(/\D/g, '')))
    if (operation?.key !== call.query.get('signature')) return { status: 403, body: 'AccessDenied' }
    call.operation = 'file'
    return { headers: { 'content-type': 'application/jsonl' }, body: operation.text }
  }

  // ---- fields of the API ----

  on_productVariants({ args }) {
    const wanted = [...(args.query ?? '').matchAll(/sku:"((?:[^"\\]|\\.)*)"/g)]
      .map((match) => match[1].replace(/\\(.)/g, '$1').toLowerCase())
    // A search by words, not a key: what has more words is found as well.
    const found = [...this.items.values()].filter((item) =>
      wanted.some((sku) => `${item.sku}-`.toLowerCase().startsWith(`${sku}-`)))
    return this.#page(found, args, (item) => ({ sku: item.sku, inventoryItem: { id: item.id, sku: item.sku } }))
  }

  #page(list, { first = 50, after }, node) {
    const from = after ? Number(Buffer.from(after, 'base64').toString()) : 0
    const part = list.slice(from, from + Math.min(first, 250))
    const end = from + part.length
    return {
      nodes: part.map(node),
      pageInfo: { hasNextPage: end < list.length, endCursor: part.length ? Buffer.from(String(end)).toString('base64') : null },
    }
  }

  #level(item, location) {
    const quantity = item.levels.get(location)
    if (quantity === undefined) return null
    return {
      id: `${item.id}?${location}`, item: { id: item.id, sku: item.sku },
      quantities: ({ names }) => names.map((name) => ({ name, quantity })),
    }
  }

  on_inventoryItem({ args }) {
    const item = this.items.get(args.id)
    if (!item) return null
    return { id: item.id, sku: item.sku, inventoryLevel: ({ locationId }) => this.#level(item, locationId) }
  }

  on_location({ args }) {
    if (!this.locations.has(args.id)) return null
    const stocked = [...this.items.values()].filter((item) => item.levels.has(args.id))
    return {
      id: args.id, name: this.locations.get(args.id),
      inventoryLevels: (given) => this.#page(stocked, given, (item) => this.#level(item, args.id)),
    }
  }

  #idempotent(field, input, act) {
    const key = field.directives.idempotent?.key
    if (!key) return Object.assign(new Error('The @idempotent directive is required for this mutation'), { code: 'BAD_REQUEST' })
    const known = this.keys.get(key)
    const text = JSON.stringify(input)
    if (known && known.text !== text) {
      return { inventoryAdjustmentGroup: null, inventoryLevel: null, userErrors: [
        { field: null, message: 'The key was used with other parameters', code: 'IDEMPOTENCY_KEY_PARAMETER_MISMATCH' }] }
    }
    if (known) return known.answer
    const answer = act(key)
    this.keys.set(key, { text, answer })
    return answer
  }

  on_inventoryActivate(field) {
    return this.#idempotent(field, field.args, () => {
      const item = this.items.get(field.args.inventoryItemId)
      const location = field.args.locationId
      const refused = item?.cannotStock ?? (!item ? 'The inventory item could not be found' : null)
      if (refused) return { inventoryLevel: null, userErrors: [{ field: ['inventoryItemId'], message: refused }] }
      if (!item.levels.has(location)) item.levels.set(location, 0)
      this.activated = (this.activated ?? 0) + 1
      return { inventoryLevel: this.#level(item, location), userErrors: [] }
    })
  }

  on_inventorySetQuantities(field) {
    const { input } = field.args
    if (input?.quantities?.length > 250) {
      return Object.assign(new Error('The input array size is greater than the maximum allowed of 250'), { code: 'MAX_INPUT_SIZE_EXCEEDED' })
    }
    return this.#idempotent(field, input, (key) => this.#set(input, key))
  }

  #set(input, key) {
    const errors = []
    const seen = new Set()
    input.quantities.forEach((row, index) => {
      const error = this.#wrong(row, seen)
      if (error) errors.push({ field: ['input', 'quantities', String(index), error[2]], message: error[1], code: error[0] })
    })
    if (errors.length > 0) return { inventoryAdjustmentGroup: null, userErrors: this.namesRows === false ? errors.map((e) => ({ ...e, field: null })).slice(0, 1) : errors }
    const changes = []
    for (const row of input.quantities) {
      const item = this.items.get(row.inventoryItemId)
      const from = item.levels.get(row.locationId)
      item.levels.set(row.locationId, row.quantity)
      this.wrote(this.locations.get(row.locationId), item.sku, row.quantity, { key, location: row.locationId, from })
      changes.push({ name: 'available', delta: row.quantity - from })
    }
    return { inventoryAdjustmentGroup: { id: gid('InventoryAdjustmentGroup', this.applied.length), changes }, userErrors: [] }
  }

  #wrong(row, seen) {
    const pair = `${row.inventoryItemId} ${row.locationId}`
    const item = this.items.get(row.inventoryItemId)
    if (seen.has(pair)) return ['NO_DUPLICATE_INVENTORY_ITEM_ID_GROUP_ID_PAIR', 'The pair is given twice', 'inventoryItemId']
    seen.add(pair)
    if (!('changeFromQuantity' in row)) return ['INVALID', 'changeFromQuantity is required', 'changeFromQuantity']
    if (!item) return ['INVALID_INVENTORY_ITEM', 'The specified inventory item could not be found.', 'inventoryItemId']
    if (!this.locations.has(row.locationId)) return ['INVALID_LOCATION', 'The specified location could not be found.', 'locationId']
    if (item.refused) return ['INVALID_QUANTITY', item.refused, 'quantity']
    const shown = item.levels.get(row.locationId)
    if (shown === undefined) return ['ITEM_NOT_STOCKED_AT_LOCATION', 'The specified inventory item is not stocked at the location.', 'locationId']
    if (row.changeFromQuantity !== null && row.changeFromQuantity !== shown) {
      return ['CHANGE_FROM_QUANTITY_STALE', 'The changeFromQuantity argument no longer matches the persisted quantity.', 'changeFromQuantity']
    }
    return null
  }

  // ---- customers, and what the shop tells of them ----

  async hook(topic, payload, { id = randomUUID(), secret = this.hooks.secret } = {}) {
    const body = JSON.stringify(payload)
    return fetch(this.hooks.url, {
      method: 'POST', body,
      headers: {
        'content-type': 'application/json', 'x-shopify-topic': topic, 'x-shopify-webhook-id': id,
        'x-shopify-api-version': '2026-10',
        'x-shopify-hmac-sha256': createHmac('sha256', secret).update(body).digest('base64'),
      },
    })
  }

  /** A customer buys: the shop's figure falls at once; the order is what a webhook would carry. */
  buy(sku, quantity, location) {
    const [item] = this.bySku(sku)
    item.levels.set(location, item.levels.get(location) - quantity)
    const number = this.nextOrder++
    return {
      id: 450000000 + number, name: `#${number}`, created_at: new Date().toISOString(), cancelled_at: null,
      location_id: null, fulfillments: [],
      line_items: [{ id: 900000000 + number, sku, quantity, current_quantity: quantity, requires_shipping: true }],
    }
  }
}
