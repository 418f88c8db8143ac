// A retailer that knows the truth: every store's real stock, what its point of sale would write into
// a file, and which sales were told to the hub when. What the hub says is compared with this.
//
// A night's file is cut at one instant and dropped seconds later. It holds what headquarters knew at
// the cut: everything of the stores that are on line, and of an off-line store what it had told by
// then (the manifest says up to which number of its register).
import { random } from './prism/random.mjs'

const REGISTER_LINES = 3

export class Retailer {
  constructor({ stores, products, seed = 1 }) {
    this.random = random(seed)
    this.codes = Array.from({ length: stores }, (_, i) => `S${String(i + 1).padStart(2, '0')}`)
    this.skus = Array.from({ length: products }, (_, i) => `P${String(i + 1).padStart(4, '0')}`)
    this.stores = this.codes.map((code) => ({ code, sequence: 0, line: 'on', waiting: [] }))
    this.stock = new Int32Array(stores * products)
    for (let i = 0; i < this.stock.length; i++) this.stock[i] = 5 + Math.floor(this.random() * 60)
    this.stated = null // the figures of the newest file the hub has applied
    this.since = new Map() // cell -> sales that file does not hold
    this.pending = null // a file that was cut and not yet applied: {stated, since}
    this.lastCut = 0
    this.sold = 0
  }

  get cells() {
    return this.stock.length
  }

  poisson(mean) {
    let product = this.random()
    let count = 0
    for (const limit = Math.exp(-mean); product > limit; count++) product *= this.random()
    return count
  }

  pick(count) {
    return Math.floor(this.random() * count)
  }

  /** Few products sell most. */
  pickProduct() {
    return Math.floor(this.skus.length * this.random() ** 3)
  }

  /** Never the instant of a cut itself: what is sold in that millisecond is sold after it. */
  now() {
    return Math.max(Date.now(), this.lastCut + 1)
  }

  /** One customer at one store: up to three lines, each a sale of its own. Empty: nothing left. */
  basket() {
    const index = this.pick(this.stores.length)
    const store = this.stores[index]
    const sales = []
    for (let i = this.pick(REGISTER_LINES); i >= 0; i--) {
      const product = this.pickProduct()
      const cell = index * this.skus.length + product
      if (this.stock[cell] <= 0) continue
      this.stock[cell]--
      store.sequence++
      sales.push({
        store: index,
        cell,
        sku: this.skus[product],
        delta: -1,
        sequence: store.sequence,
        id: `${store.code}-${store.sequence}`,
        at: this.now(),
        sent: Infinity,
        answered: Infinity,
      })
    }
    for (const sale of sales) this.remember(sale)
    this.sold += sales.length
    return sales
  }

  remember(sale) {
    for (const since of [this.since, this.pending?.since]) {
      if (!since) continue
      const list = since.get(sale.cell)
      if (list) list.push(sale)
      else since.set(sale.cell, [sale])
    }
  }

  /** What only the point of sale knows until its next file: returns, receipts, transfers, losses. */
  unreported() {
    const store = this.pick(this.stores.length)
    const product = this.pickProduct()
    const cell = store * this.skus.length + product
    if (this.stores[store].line === 'off') return
    const kind = this.random()
    if (kind < 0.5) this.stock[cell] += 1
    else if (kind < 0.7) this.stock[cell] += 6 + this.pick(18)
    else if (kind < 0.8) this.stock[cell] -= this.stock[cell] > 0 ? 1 : 0
    else {
      const to = this.pick(this.stores.length)
      const count = Math.min(3, Math.max(0, this.stock[cell]))
      if (this.stores[to].line === 'off') return
      this.stock[cell] -= count
      this.stock[to * this.skus.length + product] += count
    }
  }

  // ---- lines that are down, and lines that are slow ----

  /** off: headquarters knows no more of it, nor does the hub. */
  goOffline(index) {
    const store = this.stores[index]
    store.line = 'off'
    store.through = store.sequence
  }

  /** slow: headquarters knows everything, the hub hears of it later. */
  goSlow(index) {
    this.stores[index].line = 'slow'
  }

  /** What waited there, to be told now. */
  comeBack(index) {
    const store = this.stores[index]
    const waiting = store.waiting
    store.line = 'on'
    store.waiting = []
    return waiting
  }

  // ---- the night ----

  /** Cuts a file: {asOf, quantities, manifest}. */
  cut() {
    const asOf = Math.max(Date.now(), this.lastCut + 1)
    const quantities = this.stock.slice()
    const since = new Map()
    const asOfText = new Date(asOf).toISOString()
    const manifest = { rows: quantities.length, as_of: asOfText, source: 'prism', locations: {} }
    for (const store of this.stores) {
      if (store.line !== 'off') continue
      for (const sale of store.waiting) {
        quantities[sale.cell] -= sale.delta
        const list = since.get(sale.cell)
        if (list) list.push(sale)
        else since.set(sale.cell, [sale])
      }
      manifest.locations[store.code] = {
        as_of: asOfText,
        through: { [`${store.code}-R1`]: store.through },
      }
    }
    this.lastCut = asOf
    this.pending = { stated: quantities, since }
    return { asOf, quantities, manifest }
  }

  /** The hub has applied the file that was cut last. */
  applied() {
    this.stated = this.pending.stated
    this.since = this.pending.since
    this.pending = null
  }

  // ---- the comparison ----

  /**
   * How many of the hub's figures are wrong. They were read between `began` and `ended`: a sale that
   * was answered before counts, one that was sent after does not, one in between may.
   */
  wrong(quantities, began, ended) {
    let wrong = 0
    let first = null
    for (let cell = 0; cell < quantities.length; cell++) {
      const sales = this.since.get(cell) ?? []
      let least = this.stated[cell]
      let open = 0
      for (const sale of sales) {
        if (sale.answered < began) least += sale.delta
        else if (sale.sent <= ended) open += sale.delta
      }
      const given = quantities[cell]
      if (given <= least && given >= least + open) continue
      wrong++
      first ??= `${this.codes[Math.floor(cell / this.skus.length)]}/${
        this.skus[cell % this.skus.length]
      }: the hub says ${given}, the truth is ${least}${open ? ` to ${least + open}` : ''}`
    }
    return { wrong, first }
  }
}
