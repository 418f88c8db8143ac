// A shop's side of the API: kept-alive connections, one request at a time on each, and how long
// answers took. A change counts as told when it was answered, and it is answered when it is on disk.
import http from 'node:http'

const WINDOW_MS = 5000

export class HubClient {
  constructor(hub, connections = 64) {
    this.hub = hub
    this.agent = new http.Agent({ keepAlive: true, maxSockets: connections })
    this.latencies = [] // [when, ms] of the last seconds
    this.underWay = new Set()
  }

  request(method, path, body, type = 'application/json') {
    const data = body === undefined ? undefined : Buffer.from(body)
    const headers = { Authorization: `Bearer ${this.hub.token}` }
    if (data) Object.assign(headers, { 'Content-Type': type, 'Content-Length': data.length })
    const options = { host: this.hub.host, port: this.hub.port, agent: this.agent }
    return new Promise((resolve, reject) => {
      const request = http.request({ ...options, method, path, headers }, (response) => {
        const parts = []
        response.on('data', (part) => parts.push(part))
        response.on('error', reject)
        response.on('end', () => {
          const text = Buffer.concat(parts).toString()
          if (response.statusCode >= 200 && response.statusCode < 300) resolve(JSON.parse(text))
          else reject(new Error(`${method} ${path}: ${response.statusCode} ${text.slice(0, 300)}`))
        })
      })
      request.on('error', reject)
      request.end(data)
    })
  }

  /** A write, as JSON text; its time to the answer is noted. */
  async tell(path, body) {
    const began = performance.now()
    const answer = this.request('POST', path, body)
    this.underWay.add(answer)
    try {
      return await answer
    } finally {
      this.underWay.delete(answer)
      const now = performance.now()
      this.latencies.push([now, now - began])
    }
  }

  get(path) {
    return this.request('GET', path)
  }

  async settled() {
    while (this.underWay.size > 0) await Promise.allSettled([...this.underWay])
  }

  /** {p50, p99} in milliseconds over the last seconds. */
  percentiles() {
    const oldest = performance.now() - WINDOW_MS
    let first = 0
    while (first < this.latencies.length && this.latencies[first][0] < oldest) first++
    this.latencies.splice(0, first)
    const sorted = this.latencies.map((pair) => pair[1]).sort((a, b) => a - b)
    const at = (share) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0
    return { p50: at(0.5), p99: at(0.99) }
  }

  close() {
    this.agent.destroy()
  }
}

/** Follows the change feed; onChange(change, lagMs) for each. Returns how to stop. */
export function follow(hub, onChange) {
  let stopped = false
  const headers = { Authorization: `Bearer ${hub.token}`, Accept: 'text/event-stream' }
  const options = { host: hub.host, port: hub.port, path: '/v1/events', headers, agent: false }
  const request = http.get(options, (response) => {
    let rest = ''
    response.setEncoding('utf8')
    response.on('data', (text) => {
      const lines = (rest + text).split('\n')
      rest = lines.pop()
      for (const line of lines) {
        if (!line.startsWith('data: ')) continue
        const event = JSON.parse(line.slice(6))
        if (event.type === 'onhand.inventory.changed')
          onChange(event.data, Date.now() - Date.parse(event.time))
      }
    })
    response.on('error', () => {})
  })
  request.on('error', (error) => {
    if (!stopped) throw error
  })
  return () => {
    stopped = true
    request.destroy()
  }
}
