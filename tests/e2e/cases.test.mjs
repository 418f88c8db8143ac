// Plays the scenarios of tests/cases over HTTP, each a story that has gone wrong somewhere.
//
// A case is {name, why, steps}; a step is one of
//   {"reset": {rows: [[location, sku, quantity], ...], manifest?, ...query}, "expect": {...}}
//   {"adjust": [{...}, ...], "expect": ["applied", ...]}
//   {"ack": {source?, documents, acknowledged_at}, "expect": ["acknowledged", ...]}
//   {"decide": "approve" | "reject" | "rollback", "reset": N?, "expect": {...}}
//                                               (the case's reset N, from 0; else its last)
//   {"cells": {"NY/A": 8 | {"on_hand": 8, ...} | null}}             (null: no such cell)
//   {"rejects": ["reason", ...]}                                    (of the last reset)
//   {"kill": true} | {"restart": true}
//   {"any_order": [steps...], "cells": {...}}   (every order, each at locations of its own)
// "expect" of a reset: a status, or fields of its answer; a location's under "locations".
// Times are written in January 2000 and moved by whole days, so that 2000-01-10 is yesterday.
import assert from 'node:assert/strict'
import { readFileSync, readdirSync } from 'node:fs'
import path from 'node:path'
import { after, before, describe, test } from 'node:test'

import { Hub, root, scaled, verify } from './lib.mjs'
import { Hubs } from './many_hubs.mjs'
import { Postgres, postgresMissing } from './postgres.mjs'

const server = await Postgres.start()

const folder = path.join(root, 'tests/cases')
const files = readdirSync(folder).filter((name) => name.endsWith('.json'))
assert.ok(files.length > 0, `no cases in ${folder}`)

const DAY_MS = 86400e3
const shift = Math.floor(Date.now() / DAY_MS) - 1 - Date.parse('2000-01-10') / DAY_MS

function readCase(file) {
  const text = readFileSync(path.join(folder, file), 'utf8')
  const moved = text.replaceAll(/"(2000-\d\d-\d\d)(?=T)/g, (_, date) => {
    return `"${new Date(Date.parse(date) + shift * DAY_MS).toISOString().slice(0, 10)}`
  })
  return JSON.parse(moved)
}

function* permutations(items) {
  if (items.length <= 1) yield items
  for (const [i, item] of items.entries()) {
    const others = items.filter((_, other) => other !== i)
    for (const rest of permutations(others)) yield [item, ...rest]
  }
}

let hub

class Play {
  resets = []

  constructor(prefix) {
    this.prefix = prefix
  }

  /** What is wanted must be there; what else is there does not matter. */
  compare(got, wanted, what) {
    for (const [key, value] of Object.entries(wanted)) {
      assert.deepEqual(got[key], value, `${what}: ${key} in ${JSON.stringify(got)}`)
    }
  }

  #checkReset(answer, expect) {
    if (typeof expect === 'string') expect = { status: expect }
    const { locations = {}, ...fields } = expect ?? {}
    this.compare(answer, fields, 'reset')
    for (const [name, wanted] of Object.entries(locations)) {
      const found = answer.locations.find(({ location }) => location === this.prefix + name)
      assert.ok(found, `no location ${name} in ${JSON.stringify(answer)}`)
      this.compare(found, wanted, name)
    }
  }

  async reset({ reset: { rows, manifest, ...rest }, expect }) {
    const query = { source: 'prism', ...rest }
    if (manifest) {
      const named = (object) =>
        Object.fromEntries(Object.entries(object).map(([key, value]) => [this.prefix + key, value]))
      const locations = named(manifest.locations ?? {})
      for (const [name, { through, ...others }] of Object.entries(locations)) {
        if (through) locations[name] = { ...others, through: named(through) }
      }
      query.manifest = JSON.stringify({ ...manifest, locations })
    }
    const moved = rows.map(([location, ...row]) => [this.prefix + location, ...row])
    const answer = await hub.reset(moved, query)
    this.resets.push(answer)
    this.#checkReset(answer, expect)
  }

  async adjust({ adjust, expect }) {
    const adjustments = adjust.map((one) => {
      const moved = { source: 'prism', ...one, location: this.prefix + one.location }
      for (const key of ['id', 'document', 'acknowledges', 'register', 'order']) {
        if (moved[key]) moved[key] = this.prefix + moved[key]
      }
      return moved
    })
    const { results } = await hub.adjust(adjustments)
    const statuses = results.map(({ status }) => status)
    if (expect) assert.deepEqual(statuses, expect, JSON.stringify(results))
  }

  async ack({ ack, expect }) {
    const documents = ack.documents.map((document) => this.prefix + document)
    const body = { source: 'prism', ...ack, documents }
    const { results } = await hub.json('POST', '/v1/acknowledgements', { body })
    const statuses = results.map(({ status }) => status)
    if (expect) assert.deepEqual(statuses, expect)
  }

  async decide({ decide, reset, expect }) {
    const { id } = reset === undefined ? this.resets.at(-1) : this.resets[reset]
    this.#checkReset(await hub.json('POST', `/v1/resets/${id}/${decide}`), expect)
  }

  async cells({ cells }) {
    for (const [key, wanted] of Object.entries(cells)) {
      const [location, sku] = key.split('/')
      const target = `/v1/inventory/${encodeURIComponent(this.prefix + location)}/${sku}`
      if (wanted === null) {
        await hub.json('GET', target, {}, 404)
      } else {
        const fields = typeof wanted === 'object' ? wanted : { on_hand: wanted }
        this.compare(await hub.json('GET', target), fields, key)
      }
    }
  }

  async rejects({ rejects }) {
    const answer = await hub.call('GET', `/v1/resets/${this.resets.at(-1).id}/rejects`)
    const lines = answer.text.trim().split('\n').slice(1)
    assert.deepEqual(lines.map((line) => line.split(',')[1]).sort(), [...rejects].sort())
  }

  async kill() {
    await hub.kill()
    await hub.start()
  }

  async restart() {
    await hub.stop()
    await hub.start()
  }

  async any_order({ any_order: steps, cells }) {
    const orders = [...permutations(steps)]
    const most = scaled(orders.length, 24)
    const every = Math.ceil(orders.length / most)
    for (let i = 0; i < orders.length; i += every) {
      const play = new Play(`${this.prefix}${i}.`)
      for (const { expect, ...step } of orders[i]) await play.step(step)
      await play.cells({ cells }).catch((error) => {
        throw new Error(`in the order ${JSON.stringify(orders[i])}`, { cause: error })
      })
    }
  }

  async step(step) {
    const kinds = ['any_order', 'adjust', 'ack', 'decide', 'cells', 'rejects', 'kill', 'restart']
    const kind = kinds.find((name) => name in step) ?? 'reset' // "decide" has a "reset" too
    assert.ok(kind in step, `no such step: ${Object.keys(step)}`)
    await this[kind](step)
  }
}

function playAll(skip = false) {
  for (const [number, file] of files.entries()) {
    const story = readCase(file)
    test(`${file}: ${story.name}`, { skip }, async () => {
      const play = new Play(`c${number}.`)
      for (const [i, step] of story.steps.entries()) {
        await play.step(step).catch((error) => {
          error.message = `step ${i + 1}: ${error.message}`
          throw error
        })
      }
    })
  }
}

describe('on the embedded store', () => {
  before(async () => {
    hub = await Hub.start()
  })
  after(async () => {
    await hub.stop()
    await verify(hub.data)
  })
  playAll()
})

describe('on PostgreSQL', () => {
  let hubs
  before(async () => {
    if (server === null) return
    hubs = new Hubs(server.url)
    hub = await hubs.add('cases')
  })
  after(async () => {
    await hubs?.stop()
    hubs?.end()
    await server?.end()
  })
  playAll(server === null && postgresMissing)
})
