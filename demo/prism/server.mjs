// Prism over HTTP: logins, lists and single records in both dialects, and answers that go wrong.
import http from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { runControl } from './control.mjs'
import { QueryError, readQuery, squeezed } from './query.mjs'
import { renderRecord, withBareSids, wrap } from './render.mjs'

const EVERYTHING = { all: true, fields: new Set() }
const FIELDS_OF_EMPTY_LISTS = [
  'modified_datetime',
  'invoice_posted_date',
  'status',
  'store_uid',
  'store_sid',
  'out_store_sid',
]
const SILENT_MS = 60000
const BODY_MOST = 1 << 24

const everyColumn = (record) => ({
  all: true,
  fields: new Set(),
  lists: new Map(Object.keys(record.lists).map((name) => [squeezed(name), EVERYTHING])),
})

const json = (status, body, headers = {}) => ({
  status,
  headers: { 'Content-Type': 'application/json; charset=utf-8', ...headers },
  text: typeof body === 'string' ? body : JSON.stringify(body),
})

const errorArray = (status, code, text) =>
  json(status, [{ errorcode: code, errormsg: text, httpcode: status, severity: 1 }])

async function readBody(request) {
  const parts = []
  let length = 0
  for await (const part of request) {
    length += part.length
    if (length > BODY_MOST) throw new Error('the body is too large')
    parts.push(part)
  }
  return Buffer.concat(parts).toString('utf8')
}

export class Server {
  constructor(simulator) {
    this.simulator = simulator
    this.requests = 0
    this.recent = [] // the last paths, for tests that want to know what was asked
    this.http = http.createServer({ keepAliveTimeout: 60000 }, (request, response) => {
      this.#serve(request, response).catch((error) => {
        if (response.headersSent) return response.destroy()
        this.#send(response, errorArray(500, 5000, error.message))
      })
    })
  }

  listen(port, host) {
    return new Promise((resolve, reject) => {
      this.http.once('error', reject)
      this.http.listen(port, host, () => {
        this.http.removeListener('error', reject)
        resolve(this.http.address().port)
      })
    })
  }

  close() {
    this.http.closeAllConnections()
    return new Promise((resolve) => this.http.close(resolve))
  }

  // ---- one request ----

  async #serve(request, response) {
    const { pathname, search } = new URL(request.url, 'http://prism')
    // Only percent escapes: the plus sign of a time is a plus sign.
    const params = new URLSearchParams(search.replaceAll('+', '%2B'))
    if (pathname.startsWith('/simulator/')) {
      const body = request.method === 'POST' ? await readBody(request) : ''
      return this.#send(response, this.#control(pathname.slice('/simulator/'.length), body))
    }
    request.resume()
    this.requests++
    this.recent.push(`${pathname}?${params}`)
    if (this.recent.length > 1000) this.recent.splice(0, 500)
    const faults = this.simulator.faults.of(request.url)
    if (faults.expire) this.simulator.sessions.expire()
    const answer = this.#answer(request, pathname, params, faults)
    await this.#sendFaulty(response, answer, faults)
  }

  #control(name, body) {
    try {
      const result = runControl(this.simulator, name, body === '' ? {} : JSON.parse(body))
      return json(200, result ?? null)
    } catch (error) {
      return json(400, { error: error.message })
    }
  }

  #answer(request, pathname, params, faults) {
    if (faults.error500) return errorArray(500, 10101, 'Access violation in module PrismCore')
    if (faults.status) return json(faults.status.status, { errors: 'out of order' })
    if (request.method !== 'GET') return errorArray(405, 405, `${request.method} is not allowed`)
    try {
      const login = this.#login(pathname, params, request.headers)
      return login ?? this.#read(request, pathname, params, faults)
    } catch (error) {
      if (error instanceof QueryError) return errorArray(500, 10021, error.message)
      throw error
    }
  }

  #login(pathname, params, headers) {
    const { sessions, options } = this.simulator
    const wanted = { '/v1/rest/auth': 'classic', '/api/security/login': 'token' }[pathname]
    if (wanted === undefined) return null
    if (options.login !== 'both' && options.login !== wanted)
      return errorArray(404, 404, `${pathname} was not found`)
    const answer = wanted === 'classic' ? sessions.classic(params, headers) : sessions.token(params)
    return json(answer.status, answer.body, answer.headers)
  }

  #read({ headers }, pathname, params, faults) {
    const { sessions } = this.simulator
    const session = sessions.find(headers)
    const plain = (answer) => json(answer.status, answer.body)
    if (!session) return plain(sessions.noSession())
    if (pathname === '/v1/rest/sit') return plain(sessions.sit(session))
    if (pathname === '/v1/rest/stand') return plain(sessions.stand(session))
    if (pathname === '/api/security/logout') return plain(sessions.logout(headers))
    if (pathname === '/v1/rest/session') return this.#session(session)
    const noSeat = sessions.needsSeat(session)
    if (noSeat) return plain(noSeat)
    const path = /^\/(v1\/rest|api\/backoffice|api\/common)\/([a-z]+)(?:\/(\d+)(?:\/([a-z]+))?)?$/
    const [, prefix, resource, sid, list] = path.exec(pathname) ?? []
    const shelf = resource && this.simulator.world.shelves[resource]
    if (!shelf) return errorArray(404, 404, `${pathname} was not found`)
    const dialect = prefix === 'v1/rest' ? 'v1' : 'backoffice'
    if (sid) return this.#one(shelf, dialect, sid, list, params)
    return this.#list(shelf, dialect, params, faults)
  }

  #session({ user }) {
    const [store] = this.simulator.world.stores
    const { sid, number, name, subsidiary } = store
    const told = { store_sid: sid, store_number: number, store_name: name }
    const text = JSON.stringify([{ user, ...told, subsidiary_number: subsidiary }])
    return json(200, this.simulator.options.bareSids ? withBareSids(text) : text)
  }

  #list(shelf, dialect, params, faults) {
    const fields = shelf.records.length > 0 ? Object.keys(shelf.records[0].data) : []
    const query = readQuery(params, [...fields, ...FIELDS_OF_EMPTY_LISTS])
    const found = shelf.select(query)
    const first = (query.pageNo - 1) * query.pageSize
    const page = found.slice(first, first + query.pageSize)
    const { bareSids, totals } = this.simulator.options
    const texts = page.map((record) => renderRecord(record, query.cols, dialect, bareSids))
    const total = found.length + (faults.wrong_total ? (faults.wrong_total.by ?? 7) : 0)
    const headers =
      query.count && totals && !faults.no_total
        ? { [totals]: `items ${first}-${first + page.length - 1}/${total}` }
        : {}
    return json(200, wrap(texts, dialect), headers)
  }

  /** One record, or one of its lists: .../document/SID/item */
  #one(shelf, dialect, sid, list, params) {
    const record = shelf.bySid.get(sid)
    if (!record) return errorArray(404, 404, `${sid} was not found`)
    const { bareSids } = this.simulator.options
    if (list === undefined) {
      const { cols } = readQuery(params, [])
      const wanted = params.has('cols') ? cols : everyColumn(record)
      return json(200, wrap([renderRecord(record, wanted, dialect, bareSids)], dialect))
    }
    const name = Object.keys(record.lists).find((one) => [list, `${list}s`].includes(squeezed(one)))
    if (!name) return errorArray(404, 404, `${list} was not found`)
    const items = record.lists[name].map((data) => ({ data, lists: {} }))
    const cols = { ...EVERYTHING, lists: new Map() }
    const texts = items.map((item) => renderRecord(item, cols, dialect, bareSids))
    return json(200, wrap(texts, dialect))
  }

  // ---- answers ----

  #send(response, { status, headers, text }) {
    const data = Buffer.from(text)
    const Date = new globalThis.Date(this.simulator.world.now()).toUTCString()
    response.writeHead(status, { Date, ...headers, 'Content-Length': data.length })
    response.end(data)
  }

  async #sendFaulty(response, answer, faults) {
    if (faults.slow) await sleep(faults.slow.ms ?? 1000, null, { ref: false })
    if (faults.silent) await sleep(faults.silent.ms ?? SILENT_MS, null, { ref: false })
    if (faults.lost || faults.silent) return response.destroy()
    if (faults.html) {
      const text = '<html><head><title>Maintenance</title></head><body>Please wait</body></html>'
      return this.#send(response, { status: 200, headers: { 'Content-Type': 'text/html' }, text })
    }
    if (faults.bad_json) answer.text = answer.text.slice(0, answer.text.length / 2)
    if (faults.cut) {
      response.writeHead(answer.status, { 'Content-Length': Buffer.byteLength(answer.text) })
      response.write(answer.text.slice(0, answer.text.length / 2), () => response.destroy())
      return undefined
    }
    return this.#send(response, answer)
  }
}
