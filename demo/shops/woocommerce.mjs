// A shop that answers as WooCommerce does, as far as stock goes: products and variations in batches
// of 100 with an answer for each item, look-up by SKU, pages, Basic credentials.
import { Shop } from './shop.mjs'

const problem = (status, code, message) => ({ status, body: { code, message, data: { status } } })

export class WooCommerceShop extends Shop {
  constructor({ key = 'ck_key', secret = 'cs_secret', most = 100 } = {}) {
    super('Shop')
    this.key = key
    this.secret = secret
    this.most = most
    this.products = new Map() // id -> {id, sku, type, parent_id, manage_stock, stock_quantity, refused}
    this.nextId = 11
  }

  /** parent: the id of a product with variations. */
  addProduct(sku, { parent = 0, type = parent ? 'variation' : 'simple', name = sku } = {}) {
    const product = { id: this.nextId++, sku, name, type, parent_id: parent, manage_stock: false, stock_quantity: null }
    this.products.set(product.id, product)
    return product
  }

  bySku(sku) {
    return [...this.products.values()].find((product) => product.sku === sku)
  }

  shown(place, sku) {
    return this.bySku(sku)?.stock_quantity ?? undefined
  }

  rows() {
    return [...this.products.values()].filter((product) => product.type !== 'variable')
      .map(({ sku, name, stock_quantity: quantity }) => ({ place: '', sku, name, quantity: quantity ?? 0 }))
  }

  #update(row, parent) {
    const product = this.products.get(row.id)
    if (!product || product.parent_id !== parent) {
      return { id: row.id, error: { code: 'woocommerce_rest_product_invalid_id', message: 'Invalid ID.', data: { status: 400 } } }
    }
    if (product.refused) {
      return { id: row.id, error: { code: 'woocommerce_rest_cannot_edit', message: product.refused, data: { status: 400 } } }
    }
    if (!Number.isInteger(row.stock_quantity)) {
      return { id: row.id, error: { code: 'rest_invalid_param', message: 'stock_quantity', data: { status: 400 } } }
    }
    product.manage_stock = row.manage_stock
    product.stock_quantity = row.stock_quantity
    this.wrote('', product.sku, row.stock_quantity)
    return this.#public(product)
  }

  #public({ refused, ...product }) {
    return { ...product, permalink: `${this.url}/${product.id}`, meta_data: [{ id: 1, key: 'x', value: { a: [1] } }] }
  }

  #batch(body, parent) {
    if (parent && !this.products.has(parent)) return problem(404, 'woocommerce_rest_product_invalid_id', 'Invalid ID.')
    if (body.update.length > this.most) {
      return problem(413, 'woocommerce_rest_request_entity_too_large', `Unable to accept more than ${this.most} items for this request.`)
    }
    return { body: { update: body.update.map((row) => this.#update(row, parent)) } }
  }

  #list(query, parent) {
    const skus = query.has('sku') ? new Set(query.get('sku').toLowerCase().split(',')) : null
    const all = [...this.products.values()].filter((product) => {
      if (skus) return skus.has(product.sku.toLowerCase())
      return product.parent_id === parent // variations are not among the products
    })
    const size = Number(query.get('per_page') ?? 10)
    const page = Number(query.get('page') ?? 1)
    const fields = query.get('_fields')?.split(',')
    const rows = all.slice((page - 1) * size, page * size).map((product) => {
      const whole = this.#public(product)
      return fields ? Object.fromEntries(fields.filter((f) => f in whole).map((f) => [f, whole[f]])) : whole
    })
    return { headers: { 'x-wp-total': all.length, 'x-wp-totalpages': Math.ceil(all.length / size) }, body: rows }
  }

  answer(call) {
    const credential = `Basic ${Buffer.from(`${this.key}:${this.secret}`).toString('base64')}`
    if (call.headers.authorization !== credential) {
      return problem(401, 'woocommerce_rest_cannot_view', 'Sorry, you cannot list resources.')
    }
    const match = call.path.match(/^\/wp-json\/wc\/v3\/products(?:\/(\d+)\/variations)?(\/batch)?$/)
    if (!match) return problem(404, 'rest_no_route', 'No route was found matching the URL and request method.')
    const parent = Number(match[1] ?? 0)
    return match[2] ? this.#batch(JSON.parse(call.body), parent) : this.#list(call.query, parent)
  }
}
