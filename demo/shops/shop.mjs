// What every simulated shop has: a web server, a log of what came, a page of stock to look at, and
// faults on demand. A shop extends this with `answer(request)`, which does what the platform does,
// and `rows()`, which is what it shows.
import http from 'node:http'
import { news, page } from './page.mjs'

/** Those of a fault's names that take effect although the answer does not arrive as it should. */
const afterApplying = new Set(['lost', 'error_after', 'html_after', 'cut_off'])

/** What may go wrong with a call; the second kind changes nothing in the shop. */
export const faults = [
  'lost', 'error_after', 'html_after', 'cut_off',
  'broken', 'error', 'html', 'redirect', 'too_many', 'unavailable', 'unauthorized',
]

export class Shop {
  constructor(title) {
    this.title = title
    this.requests = [] // {method, path, headers, body, fault}
    this.script = [] // faults of the next calls, used up one by one; null: none
    this.chance = null // () => fault or null, once the script is used up
    this.onWrite = null // told of every figure that changes: (place, sku, quantity, at)
    this.applied = [] // {place, sku, quantity, ...}: every figure that was set
    this.kept = Infinity // of requests and figures; a demo runs for hours
    this.changed = new Map() // "place sku" -> {place, sku, quantity, at}, the newest last
    this.changes = 0
  }

  async start(port = 0) {
    this.server = http.createServer((request, response) => this.#take(request, response))
    await new Promise((go) => this.server.listen(port, '127.0.0.1', go))
    this.url = `http://127.0.0.1:${this.server.address().port}`
    this.server.unref()
    return this
  }

  stop() {
    this.server.closeAllConnections()
    return new Promise((go) => this.server.close(go))
  }

  #take(request, response) {
    const parts = []
    request.on('error', () => {})
    request.on('data', (part) => parts.push(part))
    request.on('end', () => {
      const [path, query = ''] = request.url.split('?')
      const body = Buffer.concat(parts)
      const call = {
        method: request.method, path, query: new URLSearchParams(query), headers: request.headers,
        body: body.toString('utf8'), at: Date.now(),
      }
      if (call.method === 'GET' && path === '/') {
        response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end(page(this))
        return
      }
      if (call.method === 'GET' && path === '/stock') {
        response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(news(this)))
        return
      }
      this.requests.push(call)
      if (this.requests.length > this.kept) this.requests.splice(0, this.kept / 2)
      call.fault = (this.script.length > 0 ? this.script.shift() : this.chance?.(call)) ?? null
      this.#answer(call, response)
    })
  }

  /** A figure was set; `more` is what the tests of this shop want to know besides. */
  wrote(place, sku, quantity, more = {}) {
    const at = Date.now()
    this.applied.push({ place, sku, quantity, ...more })
    if (this.applied.length > this.kept) this.applied.splice(0, this.kept / 2)
    this.changes++
    this.changed.delete(`${place} ${sku}`)
    this.changed.set(`${place} ${sku}`, { place, sku, quantity, at })
    this.onWrite?.(place, sku, quantity, at)
  }

  #answer(call, response) {
    const fault = call.fault
    if (typeof fault === 'function') {
      fault(call, response, () => this.answer(call))
      return
    }
    const before = {
      error: () => response.writeHead(500).end('Internal Server Error'),
      html: () => response.writeHead(200, { 'content-type': 'text/html' }).end('<html>Maintenance</html>'),
      redirect: () => response.writeHead(302, { location: 'http://169.254.169.254/latest' }).end(),
      too_many: () => response.writeHead(429, { 'retry-after': '0' }).end(),
      unavailable: () => response.writeHead(503, { 'retry-after': '0' }).end(),
      unauthorized: () => response.writeHead(401).end('{"errors":"[API] Invalid API key or access token"}'),
      broken: () => response.destroy(),
    }
    if (fault && !afterApplying.has(fault)) {
      before[fault]()
      return
    }
    const { status = 200, headers = {}, body = '' } = this.answer(call)
    const text = typeof body === 'string' ? body : JSON.stringify(body)
    if (fault === 'lost') response.destroy()
    else if (fault === 'error_after') response.writeHead(502).end('Bad Gateway')
    else if (fault === 'html_after') response.writeHead(200, { 'content-type': 'text/html' }).end('<html>Oops</html>')
    else if (fault === 'cut_off') {
      response.writeHead(status, { 'content-length': Buffer.byteLength(text) + 10 })
      response.write(text.slice(0, text.length / 2))
      setTimeout(() => response.destroy(), 5)
    } else response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(text)
  }
}
