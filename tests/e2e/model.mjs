// What the figures must be: every event, statement and acknowledgement that was sent, kept in lists
// and counted from scratch by the rule. Slow and obvious on purpose; it shares nothing with the hub.
import assert from 'node:assert/strict'

const milli = (quantity) => Math.round(quantity * 1000)

export class Model {
  events = new Map() // by source and id
  statements = new Map() // by as_of
  acknowledgements = new Map() // document -> the earliest instant

  /** An adjustment as sent; the same one again changes nothing. */
  event(adjustment) {
    this.events.set(`${adjustment.source}\n${adjustment.id}`, adjustment)
  }

  /** {as_of, rows: [[location, sku, quantity]], absent} by the source that sends resets. */
  statement(statement) {
    this.statements.set(statement.as_of, statement)
  }

  acknowledge(documents, at) {
    for (const document of documents) {
      const known = this.acknowledgements.get(document)
      if (known === undefined || at < known) this.acknowledgements.set(document, at)
    }
  }

  #newestStatements() {
    const newest = new Map() // cell -> {as_of, milli}
    const floors = new Map() // location -> as_of of the newest statement that names all products
    const inOrder = [...this.statements.values()].sort((a, b) => (a.as_of < b.as_of ? -1 : 1))
    for (const { as_of, rows, absent } of inOrder) {
      if (absent === 'zero') for (const [location] of rows) floors.set(location, as_of)
      for (const [location, sku, quantity] of rows) {
        newest.set(`${location}/${sku}`, { as_of, milli: milli(quantity) })
      }
    }
    return (location, sku) => {
      const stated = newest.get(`${location}/${sku}`)
      const floor = floors.get(location)
      if (floor !== undefined && (stated === undefined || stated.as_of < floor)) {
        return { as_of: floor, milli: 0 }
      }
      return stated
    }
  }

  #isCovered(event, statement) {
    if (statement === undefined) return false
    if (event.type !== 'shipment') return event.occurred_at <= statement.as_of
    const acknowledged = this.acknowledgements.get(event.document)
    return acknowledged !== undefined && acknowledged <= statement.as_of
  }

  /** "LOCATION/SKU" -> on hand, in thousandths. */
  onHand() {
    const statementOf = this.#newestStatements()
    const cells = new Map()
    const seen = new Set()
    for (const { rows } of this.statements.values()) {
      for (const [location, sku] of rows) seen.add(`${location}/${sku}`)
    }
    for (const event of this.events.values()) seen.add(`${event.location}/${event.sku}`)
    for (const key of seen) {
      const [location, sku] = key.split('/')
      cells.set(key, statementOf(location, sku)?.milli ?? 0)
    }
    for (const event of this.events.values()) {
      const { location, sku } = event
      const key = `${location}/${sku}`
      if (!this.#isCovered(event, statementOf(location, sku))) {
        cells.set(key, cells.get(key) + milli(event.delta))
      }
    }
    return cells
  }

  /** Every cell of the hub is what it must be, and none is missing. */
  async check(hub, when) {
    const wanted = this.onHand()
    const got = await hub.cells()
    const wrong = []
    for (const key of new Set([...wanted.keys(), ...got.keys()])) {
      const is = milli(got.get(key)?.on_hand ?? 0)
      const ought = wanted.get(key) ?? 0
      if (is !== ought) wrong.push(`${key}: ${is / 1000}, must be ${ought / 1000}`)
    }
    assert.deepEqual(wrong, [], `${when}: ${wrong.length} of ${wanted.size} cells are wrong`)
  }
}
