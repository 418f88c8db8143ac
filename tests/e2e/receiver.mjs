// A listener for the channel "webhook": checks each signature, remembers the newest version of each
// cell as a real one would, and misbehaves on demand.
import { createHmac } from 'node:crypto'
import http from 'node:http'
import { freePort } from './lib.mjs'

export class Receiver {
  constructor() {
    this.cells = new Map() // "NY01/A" -> the newest data
    this.requests = [] // {id, events, at, good}
    this.script = [] // functions of (request, response, parsed), used up one by one
    this.secrets = []
    this.events = 0
  }

  static async start() {
    const receiver = new Receiver()
    receiver.port = await freePort()
    receiver.server = http.createServer((request, response) => receiver.#take(request, response))
    await new Promise((go) => receiver.server.listen(receiver.port, '127.0.0.1', go))
    receiver.url = `http://127.0.0.1:${receiver.port}/stock/`
    receiver.server.unref()
    return receiver
  }

  stop() {
    this.server.closeAllConnections()
    return new Promise((go) => this.server.close(go))
  }

  /** How many of the secrets the request is signed with. */
  #signatures(headers, body) {
    const given = (headers['webhook-signature'] ?? '').split(' ')
    return this.secrets.filter((secret) => {
      const key = Buffer.from(secret.replace('whsec_', ''), 'base64')
      const signed = `${headers['webhook-id']}.${headers['webhook-timestamp']}.${body}`
      return given.includes(`v1,${createHmac('sha256', key).update(signed).digest('base64')}`)
    }).length
  }

  #take(request, response) {
    const parts = []
    request.on('data', (part) => parts.push(part))
    request.on('end', () => {
      const at = performance.timeOrigin + performance.now()
      const body = Buffer.concat(parts).toString('utf8')
      const events = JSON.parse(body)
      const entry = {
        at,
        path: request.url,
        id: request.headers['webhook-id'],
        type: request.headers['content-type'],
        signatures: this.#signatures(request.headers, body),
        events,
      }
      this.requests.push(entry)
      const act = this.script.shift() ?? this.always
      if (act) act(request, response, entry)
      else this.accept(response, entry)
    })
  }

  /** Takes the events in, newest version wins, and says so. */
  accept(response, entry, code = 204) {
    this.apply(entry)
    response.writeHead(code).end()
  }

  apply(entry) {
    for (const event of entry.events) {
      const known = this.cells.get(event.subject)
      if (!known || known.version < event.data.version) this.cells.set(event.subject, event.data)
      this.events++
    }
  }
}
