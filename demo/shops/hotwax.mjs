// An order management system that answers as HotWax Commerce does: stock moves by differences, twice
// when it is told twice; what is available is read per facility; figures may come as texts.
import { Shop } from './shop.mjs'

export class HotwaxShop extends Shop {
  constructor({ facilities, token = 'hc-token', products = [] } = {}) {
    super('Order management')
    this.facilities = new Set(facilities)
    this.tokens = new Set([token])
    this.login = null // {user, password}
    this.products = new Set(products) // SKUs it knows
    this.refused = new Map() // SKU -> words
    this.atp = new Map() // "FACILITY SKU" -> quantity
    this.configs = new Set(['RESET_INVENTORY']) // what files may be for
    this.files = new Map() // logId -> {configId, content, statusId, failed}: uploads
    this.importMs = 50 // until a file is imported; null: nobody does
    this.asksAfterFiles = true
  }

  rows() {
    return [...this.atp].map(([key, quantity]) => ({ place: key.split(' ')[0], sku: key.split(' ')[1], quantity }))
  }

  addProduct(sku) {
    this.products.add(sku)
  }

  /** null: it does not know it. */
  product(sku) {
    return this.products.has(sku) ? { refused: this.refused.get(sku) } : null
  }

  shown(place, sku) {
    return this.available(sku, place)
  }

  available(sku, facility) {
    return this.atp.get(`${facility} ${sku}`)
  }

  /** An online order, or a hand: the figure moves without anybody telling. */
  move(sku, facility, delta) {
    const key = `${facility} ${sku}`
    this.atp.set(key, (this.atp.get(key) ?? 0) + delta)
  }

  answer(call) {
    if (call.path === '/api/login') {
      const { USERNAME, PASSWORD } = JSON.parse(call.body)
      if (USERNAME !== this.login?.user || PASSWORD !== this.login?.password) {
        return { status: 401, body: { error: 'Incorrect username or password' } }
      }
      const token = `hc-${this.requests.length}`
      this.tokens.add(token)
      return { body: { token } }
    }
    const bearer = /^Bearer (.*)$/.exec(call.headers.authorization ?? '')?.[1]
    if (!this.tokens.has(bearer)) return { status: 401, body: { error: 'Unauthorized' } }
    if (call.path === '/api/checkInventory') return this.#check(call)
    if (call.path === '/api/service/updateInventoryByIdentification') return this.#update(JSON.parse(call.body))
    if (call.path === '/rest/s1/admin/uploadDataManagerFile') return this.#upload(call)
    const log = /^\/rest\/s1\/admin\/dataManager\/logs\/(\w+)$/.exec(call.path)?.[1]
    if (log && this.asksAfterFiles && this.files.has(log)) return this.#log(log)
    return { status: 404, body: { error: 'No such service' } }
  }

  #check(call) {
    const sku = call.query.get('productId')
    const docs = call.query.getAll('facilityId')
      .filter((facilityId) => this.atp.has(`${facilityId} ${sku}`))
      .map((facilityId, i) => {
        const atp = this.atp.get(`${facilityId} ${sku}`)
        return { facilityId, atp: i % 2 ? String(atp) : atp }
      })
    return { body: { count: String(docs.length), docs } }
  }

  #update(body) {
    const needed = ['facilityId', 'availableDelta', 'idType', 'idValue', 'locationSeqId', 'varianceReasonId']
    const missing = needed.find((name) => body[name] === undefined)
    if (missing) return { status: 400, body: { error: `The following required parameter is missing: ${missing}` } }
    if (!this.facilities.has(body.facilityId)) return { status: 400, body: { errorMessage: `Facility ${body.facilityId} not found` } }
    if (!this.products.has(body.idValue)) return { body: { _ERROR_MESSAGE_: `Product not found for ${body.idType} ${body.idValue}` } }
    if (this.refused.has(body.idValue)) return { body: { error: this.refused.get(body.idValue) } }
    this.move(body.idValue, body.facilityId, body.availableDelta)
    const { facilityId, idValue: sku, availableDelta: delta } = body
    this.wrote(facilityId, sku, this.available(sku, facilityId), { delta })
    return { body: { ...body, webSiteId: 'WEBSTORE' } }
  }

  #upload(call) {
    const boundary = /boundary=([^;]+)/.exec(call.headers['content-type'])?.[1]
    const part = (name) => {
      const found = call.body.split(`--${boundary}`).find((text) => text.includes(`name="${name}"`))
      return found?.slice(found.indexOf('\r\n\r\n') + 4, -2)
    }
    if (!boundary || part('contentFile') === undefined) return { status: 400, body: { error: 'contentFile is missing' } }
    if (!this.configs.has(part('configId'))) return { status: 400, body: { errors: `No data manager config ${part('configId')}` } }
    const logId = String(10001 + this.files.size)
    this.files.set(logId, { configId: part('configId'), content: part('contentFile'), statusId: 'DmlsPending', failed: 0 })
    if (this.importMs !== null) setTimeout(() => this.importFile(logId), this.importMs).unref()
    return { body: { logId } }
  }

  #log(logId) {
    const { configId, content, statusId, failed } = this.files.get(logId)
    const rows = content.trim().split('\n').length - 1
    return { body: { logId, configId, statusId, totalRecordCount: rows, failedRecordCount: failed } }
  }

  /** What its job does with a file: every row says what is available. */
  importFile(logId) {
    const file = this.files.get(logId)
    const [head, ...lines] = file.content.trim().split('\n')
    const names = head.split(',')
    for (const line of lines) {
      const row = Object.fromEntries(line.split(',').map((value, i) => [names[i], value]))
      const wrong = !this.products.has(row.idValue) || this.refused.has(row.idValue) || !this.facilities.has(row.facilityId)
      if (wrong) file.failed++
      else this.atp.set(`${row.facilityId} ${row.idValue}`, Number(row.availableQty))
    }
    file.statusId = 'DmlsFinished'
  }
}
