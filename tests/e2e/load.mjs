// A shop's day in a tenth of a second: sales one by one in HotWax's form, JSON batches, an endless
// NDJSON body, shipments and their acknowledgements, resets. Remembers what was answered and what
// was not, so that a test can take the hub away at any moment and say afterwards what must be there.
import assert from 'node:assert/strict'
import http from 'node:http'

import { Model } from './model.mjs'

const LOCATIONS = ['NY01', 'BOS02', 'SF03', 'LA04']
const SKUS = Array.from({ length: 30 }, (_, i) => `SKU-${i}`)
const RESET_SOURCE = 'prism'

const random = (n) => Math.floor(Math.random() * n)
const pick = (list) => list[random(list.length)]
const iso = (ms) => new Date(ms).toISOString()
const quarter = (n) => n / 4

const GOOD = new Set(['applied', 'covered', 'duplicate', 'acknowledged'])

export class Load {
  model = new Model() // of everything that is known to be there
  unanswered = new Set() // requests whose fate only sending them again can tell
  answered = 0
  #number = 0
  #now = Date.now() - 20 * 86400e3
  #documents = []
  #recent = [] // answered adjustments, some of the last

  // ---- what is sent ----

  #time() {
    this.#now += 1 + random(3)
    return this.#now
  }

  /** Some of it happened before the last snapshot, as with stores that were offline. */
  #pastTime() {
    return iso(this.#time() - random(2000))
  }

  #cell() {
    // Now and then a product nobody has seen.
    const sku = random(50) === 0 ? `NEW-${++this.#number}` : pick(SKUS)
    return { location: pick(LOCATIONS), sku }
  }

  #adjustment() {
    const id = `e${++this.#number}`
    const occurred_at = this.#pastTime()
    if (random(10) === 0) {
      const document = `SO-${this.#number}`
      this.#documents.push(document)
      const delta = -quarter(1 + random(20))
      return { id, source: 'oms', type: 'shipment', ...this.#cell(), delta, occurred_at, document }
    }
    const [type, sign] = pick([['sale', -1], ['sale', -1], ['return', 1], ['receipt', 1]])
    const delta = sign * quarter(1 + random(40))
    return { id, source: RESET_SOURCE, type, ...this.#cell(), delta, occurred_at }
  }

  #single() {
    const { id, location, sku, delta, occurred_at } = this.#adjustment()
    const body = {
      facilityId: location,
      idType: 'SKU',
      idValue: sku,
      availableDelta: delta,
      locationSeqId: 'TLTLTLLL01',
      varianceReasonId: 'POS_SALE',
      transactionId: id,
      effectiveDate: occurred_at,
    }
    const event = { id, source: 'admin', type: 'sale', location, sku, delta, occurred_at }
    return {
      target: '/api/service/updateInventoryByIdentification',
      options: { body },
      events: [event],
      read: (answer) => [answer.status],
    }
  }

  #batch(count, lines) {
    const events = Array.from({ length: count }, () => this.#adjustment())
    const text = () => events.map((event) => JSON.stringify(event) + '\n').join('')
    return {
      target: '/v1/adjustments',
      options: lines
        ? { body: text(), type: 'application/x-ndjson' }
        : { body: { adjustments: events } },
      events,
      read: (answer) => answer.results.map((result) => result.status),
    }
  }

  #acknowledgement() {
    const documents = [pick(this.#documents), pick(this.#documents), `unseen-${this.#number}`]
    const at = this.#pastTime()
    return {
      target: '/v1/acknowledgements',
      options: { body: { source: RESET_SOURCE, documents, acknowledged_at: at } },
      acknowledgement: { documents, at },
    }
  }

  #reset() {
    // Instants of statements are their own: two of one instant would contradict each other.
    const as_of = iso(this.#time() - random(1000))
    if (this.model.statements.has(as_of)) return this.#reset()
    const absent = random(4) === 0 ? 'zero' : 'keep'
    const first = random(LOCATIONS.length)
    const locations = [LOCATIONS[first], LOCATIONS[(first + 1) % LOCATIONS.length]]
    const skus = SKUS.filter(() => random(8) !== 0)
    const rows = locations.flatMap((location) =>
      skus.map((sku) => [location, sku, quarter(random(400))]),
    )
    const text = rows.map((row) => row.join(',') + '\n').join('')
    return {
      target: '/v1/resets',
      options: {
        body: `location,sku,quantity\n${text}`,
        type: 'text/csv',
        query: { as_of, source: RESET_SOURCE, absent, guard: 'off' },
      },
      statement: { as_of, rows, absent },
    }
  }

  // ---- sending and judging ----

  #settle(request) {
    this.unanswered.delete(request)
    for (const event of request.events ?? []) {
      this.model.event(event)
      if (this.#recent.push(event) > 200) this.#recent.shift()
    }
    this.answered += request.events?.length ?? 1
    if (request.statement) this.model.statement(request.statement)
    if (request.acknowledgement) {
      const { documents, at } = request.acknowledgement
      this.model.acknowledge(documents, at)
    }
  }

  #judge(request, json) {
    if (request.events) {
      const statuses = request.read(json)
      assert.equal(statuses.length, request.events.length)
      for (const [i, status] of statuses.entries()) {
        const of = JSON.stringify(request.events[i])
        assert.ok(GOOD.has(status), `${status} ${of} ${JSON.stringify(json).slice(0, 500)}`)
      }
    } else if (request.statement) {
      const good = ['applied', 'duplicate', 'stale']
      assert.ok(good.includes(json.status), JSON.stringify(json).slice(0, 1000))
    } else {
      for (const { status } of json.results) {
        assert.ok(['acknowledged', 'recorded', 'duplicate'].includes(status), status)
      }
    }
  }

  /**
   * False when there was no whole answer, or one that said that nothing was done. `refusals`:
   * statuses that may stand for the latter.
   */
  async send(hub, request, agent, refusals = [503]) {
    this.unanswered.add(request)
    let answer
    try {
      const { target, options } = request
      answer = await hub.call('POST', target, agent ? { ...options, agent } : options)
    } catch {
      return false
    }
    if (refusals.includes(answer.status)) return false
    assert.equal(answer.status, 200, `${request.target}: ${answer.status} ${answer.text}`)
    this.#judge(request, answer.json)
    this.#settle(request)
    return true
  }

  /** One connection that sends what `make` makes until it is refused. */
  async #connection(hub, make, refusals) {
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 })
    let going = true
    while (going) going = await this.send(hub, make(), agent, refusals)
    agent.destroy()
  }

  /** All connections; ends when the hub has gone, or refuses. */
  async run(hub, refusals) {
    const seldom = () => {
      const kind = random(8)
      if (kind === 0) return this.#reset()
      return kind < 4 && this.#documents.length > 0 ? this.#acknowledgement() : this.#single()
    }
    await Promise.all([
      this.#connection(hub, () => this.#single(), refusals),
      this.#connection(hub, () => this.#single(), refusals),
      this.#connection(hub, () => this.#batch(1 + random(8), false), refusals),
      this.#connection(hub, () => this.#batch(1 + random(40), true), refusals),
      this.#connection(hub, seldom, refusals),
    ])
  }

  /** Sends everything again that was not answered, with the same ids, in any order. */
  async settleAll(hub) {
    const waiting = [...this.unanswered].sort(() => Math.random() - 0.5)
    for (const request of waiting) {
      assert.ok(await this.send(hub, request), `not answered on a quiet hub: ${request.target}`)
    }
    assert.equal(this.unanswered.size, 0)
  }

  /** Answered changes sent once more: every one of them must be known. */
  async repeatSome(hub) {
    const adjustments = this.#recent.filter((event) => event.source !== 'admin')
    if (adjustments.length === 0) return
    const { results } = await hub.adjust(adjustments)
    for (const [i, { status }] of results.entries()) {
      assert.equal(status, 'duplicate', JSON.stringify([adjustments[i], results[i]]))
    }
  }
}
