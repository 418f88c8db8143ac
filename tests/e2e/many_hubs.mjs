// What the tests of several hubs on one PostgreSQL share: hubs with one configuration, a reader of
// events that knows where it stopped, and a network that can be made to hang.
import assert from 'node:assert/strict'
import { copyFileSync, existsSync, mkdirSync, writeFileSync } from 'node:fs'
import http from 'node:http'
import net from 'node:net'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort, Hub, patience, scratch } from './lib.mjs'

export const leaseSeconds = 3 * patience

export async function until(what, check, seconds = 30) {
  const end = Date.now() + seconds * 1000 * patience
  for (;;) {
    const value = await check()
    if (value) return value
    assert.ok(Date.now() < end, `not in time: ${what}`)
    await sleep(20)
  }
}

/** Hubs that share `store`; `more`: lines of configuration for all of them. */
export class Hubs {
  constructor(store, more = '', env = {}) {
    Object.assign(this, { store, more, env, directory: scratch('hubs'), all: [] })
  }

  async add(name, store = this.store) {
    const data = path.join(this.directory, name)
    const config = `${data}.yaml`
    mkdirSync(data, { mode: 0o700 })
    const url = new URL(store) // its password is no business of a configuration
    const env = { ...this.env, PGPASSWORD: decodeURIComponent(url.password) }
    url.password = ''
    writeFileSync(config, `store: "${url.href}"\nhub: ${name}\nlease: ${leaseSeconds}s\n${this.more}`)
    const token = this.all[0] && path.join(this.all[0].data, 'admin.token')
    if (token && existsSync(token)) copyFileSync(token, path.join(data, 'admin.token'))
    const hub = await Hub.start({ data, args: ['--config', config], env })
    hub.name = name
    this.all.push(hub)
    return hub
  }

  async stop() {
    await Promise.all(this.all.filter((hub) => hub.child && hub.running).map((hub) => hub.stop()))
  }

  /** Whatever the state they are in. */
  end() {
    for (const hub of this.all) if (hub.child && hub.running) hub.child.kill('SIGKILL')
  }
}

export async function holderOf(hub, lease) {
  const { leases } = await hub.json('GET', '/v1/status')
  return leases.find(({ name }) => name === lease)?.held_by ?? null
}

/** Keeps sending one event after the other, each until some hub says what became of it. */
export class Load {
  constructor(hubs, location, workers = 8) {
    Object.assign(this, { hubs, location, refused: 0, lost: 0, retryAfter: true, sent: new Set() })
    this.statuses = {}
    this.running = true
    this.workers = Array.from({ length: workers }, (_, i) => this.#work(i))
  }

  async #work(worker) {
    for (let n = 0; this.running; n++) {
      const id = `${this.location}-${worker}-${n}`
      this.sent.add(id)
      for (let attempt = worker + n; ; attempt++) {
        const hub = this.hubs[attempt % this.hubs.length]
        const adjustments = [{ id, location: this.location, sku: `S${n % 20}`, delta: 1 }]
        const answer = await hub
          .call('POST', '/v1/adjustments', { body: { adjustments }, agent: false })
          .catch(() => null)
        if (answer?.status === 200) {
          const [{ status }] = answer.json.results
          assert.ok(status === 'applied' || status === 'duplicate', answer.text)
          this.statuses[status] = (this.statuses[status] ?? 0) + 1
          break
        }
        if (answer) {
          this.refused++
          assert.equal(answer.status, 503, answer.text)
          this.retryAfter &&= answer.headers['retry-after'] !== undefined
        } else this.lost++
        await sleep(20)
      }
    }
  }

  get confirmed() {
    return Object.values(this.statuses).reduce((sum, n) => sum + n, 0)
  }

  async stop() {
    this.running = false
    await Promise.all(this.workers)
  }

  /** Everything that was answered is there once, on every hub that is up. */
  async check(hubs = this.hubs.filter((hub) => hub.running)) {
    for (const hub of hubs) {
      await until(`all of it on ${hub.name}`, async () => {
        const cells = [...(await hub.cells({ location: this.location })).values()]
        return cells.reduce((sum, cell) => sum + cell.on_hand, 0) === this.sent.size
      })
    }
  }
}

/** GET /v1/events: `events` grows; `lastId` is where to go on. */
export function listen(hub, lastId) {
  const listener = { events: [], lastId }
  return new Promise((resolve, reject) => {
    const headers = { Authorization: `Bearer ${hub.token}` }
    if (lastId) headers['Last-Event-ID'] = lastId
    const request = http.request(`${hub.url}/v1/events`, { headers })
    request.on('error', (error) => (listener.closed ? undefined : reject(error)))
    request.on('response', (response) => {
      let text = ''
      response.on('error', () => {})
      response.on('data', (data) => {
        text += data
        for (let end; (end = text.indexOf('\n\n')) >= 0; text = text.slice(end + 2)) {
          const id = /^id: (.*)$/m.exec(text.slice(0, end))?.[1]
          const said = /^data: (.*)$/m.exec(text.slice(0, end))?.[1]
          if (id) listener.lastId = id
          if (said) listener.events.push(JSON.parse(said))
        }
        resolve(listener)
      })
      resolve(listener)
    })
    listener.close = () => {
      listener.closed = true
      request.destroy()
    }
    request.end()
  })
}

/** A way to the server that can be made to hang: nothing is refused, nothing gets through. */
export async function hangable(url) {
  const to = new URL(url)
  const target = [Number(to.port), to.hostname]
  const sockets = new Set()
  const way = { hanging: false }
  const server = net.createServer((near) => {
    const far = net.connect(...target)
    for (const [from, into] of [[near, far], [far, near]]) {
      sockets.add(from)
      from.on('data', (data) => way.hanging || into.write(data))
      from.on('close', () => sockets.delete(from) && into.destroy())
      from.on('error', () => {})
    }
  })
  const port = await freePort()
  await new Promise((go) => server.listen(port, '127.0.0.1', go))
  to.port = port
  way.url = to.href
  way.hang = () => (way.hanging = true)
  // What was swallowed is lost: those connections are of no use any more.
  way.heal = () => {
    way.hanging = false
    for (const socket of sockets) socket.destroy()
  }
  way.end = () => {
    for (const socket of sockets) socket.destroy()
    server.close()
  }
  return way
}
