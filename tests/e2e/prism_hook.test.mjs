// The hook in Prism's web client, in a real browser: a finished sale is sent at once, nothing is lost
// when the hub is away, and the sale itself is never held up.
import assert from 'node:assert/strict'
import http from 'node:http'
import { after, before, test as anyTest } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { World } from '../../demo/prism/world.mjs'
import { startBrowser } from './browser.mjs'
import { freePort, patience } from './lib.mjs'
import { servePrismPage } from './prism_page.mjs'

// The hub has no part in this: once is enough, without its sanitizers.
const skip = patience > 1
const test = (name, body) => anyTest(name, { skip }, body)

const TOKEN = 'oh_till'
const fast = { retryMs: 40, retryMostMs: 300, signAfterMs: 100, timeoutMs: 3000 }
const world = new World({ stores: 1, products: 3 })
const sale = () => {
  const { data, lists } = world.sell('001', [{ product: 'P0001', quantity: 2 }])
  return { ...data, ...lists }
}

/** What the hub is for the hook: takes documents, or answers as it is told. */
class Receiver {
  constructor() {
    this.documents = []
    this.requests = []
    this.answer = null // {status, body, headers} in place of the usual one
    this.holdMs = { OPTIONS: 0, POST: 0 } // how long answers take
  }

  async up() {
    this.port ??= await freePort()
    this.server = http.createServer((request, response) => void this.#serve(request, response))
    await new Promise((resolve) => this.server.listen(this.port, '127.0.0.1', resolve))
  }

  down() {
    this.server.closeAllConnections()
    return new Promise((resolve) => this.server.close(resolve))
  }

  async #serve(request, response) {
    response.setHeader('Access-Control-Allow-Origin', request.headers.origin ?? 'none')
    response.setHeader('Access-Control-Allow-Headers', 'Authorization, Content-Type')
    response.setHeader('Access-Control-Expose-Headers', 'Retry-After')
    const isAsking = request.method === 'OPTIONS'
    let text = ''
    for await (const part of request) text += part
    if (!isAsking) this.requests.push({ path: request.url, headers: request.headers, text })
    await sleep(this.holdMs[request.method])
    if (isAsking) return response.writeHead(204).end()
    const results = [{ id: 'x', status: 'applied' }]
    const { status = 200, body = JSON.stringify({ results }), headers } = this.answer ?? {}
    if (status === 200 && this.answer === null) this.documents.push(JSON.parse(text))
    response.writeHead(status, { 'Content-Type': 'application/json', ...headers })
    return response.end(body)
  }

  get sids() {
    return this.documents.map((document) => document.sid)
  }
}

let browser, page, receiver
before(async () => {
  if (skip) return
  browser = await startBrowser()
  receiver = new Receiver()
  await receiver.up()
  const url = `http://127.0.0.1:${receiver.port}`
  page = await servePrismPage({ url, token: TOKEN, source: 'prism', ...fast })
})
after(async () => {
  if (skip) return
  await browser.close()
  await Promise.all([page.close(), receiver.down()])
})

async function until(what, condition) {
  const end = Date.now() + 10000
  while (Date.now() < end) {
    if (await condition()) return
    await sleep(20)
  }
  assert.fail(`${what}: ${JSON.stringify(receiver.sids)}`)
}

/** A till: a browser's profile with one tab that has Prism open. */
async function till(t) {
  receiver.answer = null
  receiver.holdMs = { OPTIONS: 0, POST: 0 }
  receiver.documents = []
  receiver.requests = []
  const context = await browser.newContext()
  t.after(() => context.close())
  const tab = await context.newPage()
  tab.on('pageerror', (error) => assert.fail(`the hook threw into the page: ${error}`))
  await tab.goto(page.url)
  return { context, tab }
}

const sell = (tab, document) => tab.evaluate((one) => window.endSale(one), document)
const signOf = (tab) => tab.locator('#onhand-sign')
const stored = (tab) =>
  tab.evaluate(() => Object.keys(localStorage).filter((key) => key.startsWith('onhand:')).length)

test("a finished sale is sent at once, without what is nobody else's business", async (t) => {
  const { tab } = await till(t)
  const document = { ...sale(), bt_first_name: 'Ann', customer_po: '7', tenders: [{ amount: 1 }] }
  receiver.holdMs.POST = 1000
  const heldUp = await sell(tab, document)
  await until('sent', () => receiver.sids.length === 1)
  const [{ path, headers, text }] = receiver.requests
  assert.equal(path, '/v1/sources/prism/documents')
  assert.equal(headers.authorization, `Bearer ${TOKEN}`)
  const { bt_first_name, customer_po, tenders, ...rest } = document
  assert.deepEqual(JSON.parse(text), rest)
  assert.ok(bt_first_name && customer_po && tenders)
  await until('forgotten', async () => (await stored(tab)) === 0)
  assert.ok(heldUp < 500, `held up for ${heldUp} ms`)
  await until('no sign', () => signOf(tab).isHidden())
})

test('the hub is down: a sign, kept over a reload, sent once when it is back', async (t) => {
  const { tab } = await till(t)
  await receiver.down()
  const documents = [sale(), sale()]
  for (const document of documents) await sell(tab, document)
  await signOf(tab).waitFor({ timeout: 10000 })
  assert.match(await signOf(tab).innerText(), /2 not sent yet, since \d/)
  assert.equal(await signOf(tab).getByRole('status').getAttribute('aria-live'), 'polite')
  await tab.reload()
  await signOf(tab).waitFor({ timeout: 10000 })
  await receiver.up()
  await until('sent', () => receiver.sids.length === 2)
  await until('no sign', () => signOf(tab).isHidden())
  assert.deepEqual(receiver.sids.sort(), documents.map(({ sid }) => sid).sort(), 'each once')
  assert.equal(await stored(tab), 0)
})

test('what the hub does not take is shown, and not tried for ever', async (t) => {
  const { tab } = await till(t)
  receiver.answer = { status: 422, body: JSON.stringify({ detail: 'no such thing as a shoe' }) }
  await sell(tab, sale())
  await signOf(tab).waitFor({ timeout: 10000 })
  assert.match(await signOf(tab).innerText(), /1 not taken by the hub: 422 no such thing as a shoe/)
  receiver.answer = null
  const other = sale()
  await sell(tab, other)
  await until('others go on', () => receiver.sids.includes(other.sid))
  assert.equal(receiver.requests.length, 2)
  await tab.getByRole('button', { name: 'Try again' }).click()
  await until('sent', () => receiver.sids.length === 2)
  await until('no sign', () => signOf(tab).isHidden())

  const results = [{ status: 'rejected', error: { code: 'forbidden_location', detail: 'not B' } }]
  receiver.answer = { body: JSON.stringify({ results }) }
  await sell(tab, sale())
  await until('shown', async () => /not taken by the hub: not B/.test(await signOf(tab).innerText()))
  await tab.getByRole('button', { name: 'Dismiss' }).click()
  await until('no sign', () => signOf(tab).isHidden())
  assert.equal(await stored(tab), 0)
})

test('a refused token is told clearly, and nothing is lost', async (t) => {
  const { tab } = await till(t)
  receiver.answer = { status: 401, body: JSON.stringify({ detail: 'a valid token is needed' }) }
  const document = sale()
  await sell(tab, document)
  await signOf(tab).waitFor({ timeout: 10000 })
  assert.match(await signOf(tab).innerText(), /refuses this page \(401 a valid token is needed\)/)
  receiver.answer = null
  await until('sent', () => receiver.sids.length === 1)
  assert.deepEqual(receiver.sids, [document.sid])
})

test('a page of some proxy, and a hub that is busy, are no answer', async (t) => {
  const { tab } = await till(t)
  receiver.answer = { body: '<html>log in to the guest network</html>' }
  const document = sale()
  await sell(tab, document)
  await until('tried again', () => receiver.requests.length >= 2)
  receiver.answer = { status: 503, body: '{}', headers: { 'Retry-After': '1' } }
  const before = receiver.requests.length
  await until('tried again', () => receiver.requests.length > before)
  const asked = Date.now()
  await until('tried once more', () => receiver.requests.length > before + 1)
  assert.ok(Date.now() - asked > 800, 'it waits as long as the hub asked for')
  receiver.answer = null
  await until('sent', () => receiver.sids.length === 1)
})

test('two tabs keep one list: all is sent, each once, also of a tab that is gone', async (t) => {
  const { context, tab } = await till(t)
  const other = await context.newPage()
  await other.goto(page.url)
  await receiver.down()
  const documents = Array.from({ length: 5 }, sale)
  for (const document of documents) await sell(tab, document)
  await until('kept', async () => (await stored(other)) >= 5)
  await tab.close()
  await receiver.up()
  await until('sent', () => receiver.sids.length >= 5)
  await until('forgotten', async () => (await stored(other)) === 0)
  assert.deepEqual(receiver.sids.sort(), documents.map(({ sid }) => sid).sort())
})

test('what one tab is sending, no other sends meanwhile, nor the same one again', async (t) => {
  const { context, tab } = await till(t)
  receiver.holdMs.POST = 1000
  const documents = [sale(), sale()]
  await sell(tab, documents[0])
  const other = await context.newPage()
  await other.goto(page.url)
  receiver.holdMs.POST = 2000
  await sell(tab, documents[1])
  await until('sent', () => receiver.sids.length >= 2)
  await until('forgotten', async () => (await stored(other)) === 0)
  assert.equal(receiver.requests.length, 2)
})

test('a page that is left right after the sale has sent it', async (t) => {
  const { tab } = await till(t)
  receiver.holdMs.OPTIONS = 300
  await sell(tab, sale())
  await tab.goto('about:blank')
  await until('sent', () => receiver.sids.length === 1)
})

test('a full storage: sent all the same, and the sign says what is at stake', async (t) => {
  const { tab } = await till(t)
  await receiver.down()
  await tab.evaluate(() => {
    let size = 1 << 20
    for (let i = 0; size > 0; i++) {
      try {
        localStorage.setItem(`full ${i}`, 'x'.repeat(size))
      } catch {
        size >>= 1
      }
    }
  })
  const document = sale()
  await sell(tab, document)
  await signOf(tab).waitFor({ timeout: 10000 })
  assert.match(await signOf(tab).innerText(), /1 of them are not saved: please leave this page open/)
  await receiver.up()
  await until('sent', () => receiver.sids.length === 1)
  await until('no sign', () => signOf(tab).isHidden())
})

test('no more than so many are kept; the rest is left to the hub, and said so', async (t) => {
  const url = `http://127.0.0.1:${receiver.port}`
  const small = await servePrismPage({ url, token: TOKEN, ...fast, keepMost: 2 })
  t.after(() => small.close())
  const { tab } = await till(t)
  await tab.goto(small.url)
  await receiver.down()
  const documents = Array.from({ length: 4 }, sale)
  for (const document of documents) await sell(tab, document)
  const told = /2 could not be sent from here \(there is no room to keep more\)/
  await until('told', async () => told.test(await signOf(tab).innerText()))
  await receiver.up()
  await until('sent', () => receiver.sids.length === 2)
  const kept = documents.slice(0, 2).map(({ sid }) => sid)
  assert.deepEqual(receiver.sids.sort(), kept.sort())
})

test('a storage that may not be used at all holds up nothing', async (t) => {
  const { context } = await till(t)
  await context.addInitScript(() => {
    const refuse = () => {
      throw new DOMException('denied', 'SecurityError')
    }
    for (const name of ['localStorage', 'sessionStorage'])
      Object.defineProperty(window, name, { get: refuse })
  })
  const tab = await context.newPage()
  await tab.goto(page.url)
  await sell(tab, sale())
  await until('sent', () => receiver.sids.length === 1)
})

test('a document that cannot be read is left to the hub, and said so', async (t) => {
  const { tab } = await till(t)
  for (const wrong of [{ ...sale(), sid: 1530000000015168895 }, { status: 4 }]) await sell(tab, wrong)
  await signOf(tab).waitFor({ timeout: 10000 })
  assert.match(await signOf(tab).innerText(), /2 could not be sent from here .*no SID/)
  assert.equal(receiver.requests.length, 0)
})
