// The demo's web shop: it sells online what all stores have, and the hub keeps its figures. Sales are
// followed from the till to the shop, and at the end every figure of the shop must be the hub's.
import { setTimeout as sleep } from 'node:timers/promises'
import { clock } from './shops/page.mjs'
import { WooCommerceShop } from './shops/woocommerce.mjs'

const QUIET_MS = 1000 // a sale is followed when nothing else of its product is under way
const FOLLOWED_MOST_MS = 10000
const LAGS_KEPT = 500
const CALLS_KEPT = 2000
const SAME_PATIENCE_MS = 30000

export const SHOP_KEY = 'ck_demo'
export const SHOP_SECRET = 'cs_for_the_demo_only'

export class WebShop {
  constructor(products) {
    this.shop = new WooCommerceShop({ key: SHOP_KEY, secret: SHOP_SECRET })
    this.shop.title = 'The demo\'s web shop'
    this.shop.kept = CALLS_KEPT
    for (const { sku, name } of products) this.shop.addProduct(sku, { name })
    this.shop.onWrite = (_, sku, quantity, at) => this.#shown(sku, quantity, at)
    this.figures = new Map() // SKU -> what the shop shows
    this.busy = new Map() // SKU -> when something of it was last sold or shown
    this.following = new Map() // SKU -> {store, at}
    this.lags = []
    this.followed = null // the last sale that was seen all the way
    this.channel = null // what the hub says of it
  }

  async start(port) {
    await this.shop.start(port)
    this.url = this.shop.url
  }

  stop() {
    return this.shop.stop()
  }

  /** A till sold it, and tells the hub now. */
  sold(store, sku, at = Date.now()) {
    const quiet = at - (this.busy.get(sku) ?? 0) > QUIET_MS
    this.busy.set(sku, at)
    if (quiet) this.following.set(sku, { store, at })
    else this.following.delete(sku) // two sales: nobody can tell which of them is shown
  }

  #shown(sku, quantity, at) {
    const sale = this.following.get(sku)
    this.figures.set(sku, quantity)
    this.busy.set(sku, at)
    this.following.delete(sku)
    if (!sale || at - sale.at > FOLLOWED_MOST_MS) return
    this.lags.push(at - sale.at)
    if (this.lags.length > LAGS_KEPT) this.lags.shift()
    this.followed = `${sku} sold at ${sale.store} ${clock(sale.at)} -> shop ${clock(at)}`
  }

  /** {p50, p99, count} of the last sales that were followed, in milliseconds. */
  lag() {
    const sorted = [...this.lags].sort((a, b) => a - b)
    const at = (share) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0
    return { p50: at(0.5), p99: at(0.99), count: sorted.length }
  }

  async look(client) {
    this.channel = await client.get('/v1/channels/shop')
  }

  /** How many figures are not the hub's once nothing is under way any more. `wanted`: SKU -> units. */
  async wrong(client, wanted) {
    const until = Date.now() + SAME_PATIENCE_MS
    for (;;) {
      await this.look(client)
      const wrong = [...wanted].filter(([sku, quantity]) => (this.figures.get(sku) ?? 0) !== quantity)
      if ((wrong.length === 0 && this.channel.pending === 0) || Date.now() > until) return wrong.length
      await sleep(100)
    }
  }
}
