// What tests of channels to shops share: a hub with one channel, conditions polled for, and the
// comparison at the end.
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Hub, patience, scratch } from './lib.mjs'

export class Rig {
  constructor(hub, name) {
    this.hub = hub
    this.name = name
    this.sequence = 0
  }

  /** `channel`: the channel's line of the configuration, without its name; `rest`: other lines. */
  static async start(name, channel, { env = {}, rest = '' } = {}) {
    const directory = scratch(`shop-${name}`)
    const config = path.join(directory, 'onhand.yaml')
    writeFileSync(config, `${rest}channels:\n  - {name: ${name}, ${channel}}\n`)
    return new Rig(await Hub.start({ args: ['--config', config], env }), name)
  }

  async until(what, check, seconds = 30) {
    const end = Date.now() + seconds * 1000 * patience
    for (;;) {
      const value = await check()
      if (value) return value
      assert.ok(Date.now() < end, `not in time: ${what}\n${this.hub.log.slice(-3000)}`)
      await sleep(10)
    }
  }

  channel() {
    return this.hub.json('GET', `/v1/channels/${this.name}`)
  }

  order(what, status = 200) {
    return this.hub.json('POST', `/v1/channels/${this.name}/${what}`, {}, status)
  }

  /** Nothing waits to be sent or read; `hurry`: what waits for its time is tried at once. */
  settled({ hurry = false, seconds } = {}) {
    let last = Date.now()
    return this.until('nothing pending', async () => {
      const { pending, uncertain } = await this.channel()
      if (hurry && Date.now() - last > 200) {
        last = Date.now()
        await this.order('resume')
      }
      return pending === 0 && (uncertain ?? 0) === 0
    }, seconds)
  }

  adjust(lines) {
    return this.hub.adjust(lines.map((line) => ({ id: `e${++this.sequence}`, location: 'NY01', ...line })))
  }

  receive(sku, delta, location = 'NY01') {
    return this.adjust([{ sku, delta, type: 'receipt', location }])
  }

  sell(sku, quantity = 1, location = 'NY01') {
    return this.adjust([{ sku, delta: -quantity, type: 'sale', location }])
  }

  /** What the hub says may be sold, whole units, never below zero. */
  async wanted(sku, location = 'NY01') {
    const cell = await this.hub.cell(location, sku)
    return Math.max(0, Math.floor(cell.available))
  }

  /** An audit from its beginning to its end; the one before may still be ending. */
  async audited() {
    const before = (await this.channel()).last_audit?.finished_at
    await this.until('an audit begins', async () =>
      (await this.hub.call('POST', `/v1/channels/${this.name}/audit`)).status === 202)
    return this.until('the audit', async () => {
      const { last_audit: audit } = await this.channel()
      return audit && audit.finished_at !== before && audit
    })
  }

  parked(sku) {
    return this.until(`${sku} is parked`, async () => (await this.channel()).parked.find((item) => item.sku === sku))
  }

  /** The words of the channel's last failure match. */
  said(words) {
    return this.until(`an error like ${words}`, async () => words.test((await this.channel()).last_error ?? ''))
  }
}

/** Numbers in [0, 1) that a seed decides. */
export function random(seed) {
  let state = seed >>> 0 || 1
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32
  }
}
