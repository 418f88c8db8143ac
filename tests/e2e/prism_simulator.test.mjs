// The simulated Prism is what the connector is tried against, so it has to be held to the facts
// itself: logins, both dialects, paging, what headquarters knows, and the truth behind it.
import assert from 'node:assert/strict'
import test from 'node:test'
import { nonceResponse } from '../../demo/prism/sessions.mjs'
import { start } from '../../demo/prism/simulator.mjs'

const NOON = Date.parse('2026-11-23T12:00:00Z')

async function prism(t, options = {}) {
  const simulator = await start({ now: () => NOON, ...options })
  t.after(() => simulator.stop())
  const get = async (path, headers = {}) => {
    const response = await fetch(simulator.url + path, { headers })
    return { status: response.status, headers: response.headers, text: await response.text() }
  }
  const login = async (user = 'hub', password = 'secret') => {
    const { text } = await get(`/api/security/login?usr=${user}&pwd=${password}&ws=hub`)
    return { 'Auth-Session': JSON.parse(text)[0].token }
  }
  return { simulator, world: simulator.world, get, login }
}

test('the classic login: nonce, response, session, seats', async (t) => {
  assert.equal(nonceResponse(1300000), 17)
  assert.equal(nonceResponse(123456789), 1645090)
  const { get, simulator } = await prism(t, { seats: 1, users: { hub: 'secret', till: 'x' } })
  const enter = async (user, password, wrong = 0) => {
    const nonce = (await get('/v1/rest/auth')).headers.get('auth-nonce')
    return get(`/v1/rest/auth?usr=${user}&pwd=${password}`, {
      'Auth-Nonce': nonce,
      'Auth-Nonce-Response': String(nonceResponse(Number(nonce)) + wrong),
    })
  }
  const refused = await enter('hub', 'wrong')
  assert.equal(refused.status, 401)
  assert.equal(refused.text, '{"errors":"403: Invalid username or password"}')
  assert.equal((await enter('hub', 'secret', 1)).status, 401)

  const session = { 'Auth-Session': (await enter('hub', 'secret')).headers.get('auth-session') }
  assert.equal((await get('/v1/rest/sit?ws=webclient', session)).status, 200)
  const till = { 'Auth-Session': (await enter('till', 'x')).headers.get('auth-session') }
  assert.match((await get('/v1/rest/sit?ws=webclient', till)).text, /Max number of seated sessions/)
  assert.equal((await get('/v1/rest/session', session)).status, 200)
  await enter('hub', 'secret')
  const replaced = await get('/v1/rest/session', session)
  assert.equal(replaced.status, 401, 'a second login ends the first')
  simulator.sessions.expire()
  assert.equal((await get('/v1/rest/session', till)).status, 401)
})

test('both dialects, columns, filters, sorting, pages and totals', async (t) => {
  const { get, login, world } = await prism(t)
  for (let i = 0; i < 25; i++) world.sell('001', [{ product: i % 20 }], { at: NOON + i * 1000 })
  world.sell('001', [{ product: 0 }], { held: true })
  const session = await login()
  const since = encodeURIComponent('2026-11-23T15:00:10.000+03:00')
  const list =
    `cols=*,items.*&filter=(status,eq,4)AND(invoice_posted_date,ge,${since})` +
    '&sort=invoice_posted_date,asc&page_size=10&count=true'
  const pages = await Promise.all(
    [1, 2, 3].map((n) => get(`/v1/rest/document?${list}&page_no=${n}`, session)),
  )
  const documents = pages.map((page) => JSON.parse(page.text))
  assert.deepEqual(documents.map((page) => page.length), [10, 5, 0])
  assert.match(pages[0].headers.get('content-range'), /\/15$/)
  const [first] = documents[0]
  assert.equal(first.invoice_posted_date, '2026-11-23T15:00:10.000+03:00')
  assert.equal(first.document_number, 11)
  assert.equal(first.items.length, 1)
  assert.match(first.sid, /^\d{18,19}$/)

  const other = `cols=sid,documentnumber,items.alu&filter=(sid,eq,${first.sid})`
  const { data } = JSON.parse((await get(`/api/backoffice/document?${other}`, session)).text)
  const items = [{ alu: first.items[0].alu }]
  assert.deepEqual(data, [{ sid: first.sid, documentnumber: 11, items }])
  const single = JSON.parse((await get(`/v1/rest/document/${first.sid}/item?cols=*`, session)).text)
  assert.deepEqual(single, first.items)
  const refused = await get('/v1/rest/document?filter=(nonsense,eq,1)', session)
  assert.equal(refused.status, 500)
  assert.equal(JSON.parse(refused.text)[0].httpcode, 500)
})

test('SIDs as bare integers keep every digit', async (t) => {
  const { get, login, world } = await prism(t, { bareSids: true })
  const { sid } = world.sell('001', [{ product: 'P0001' }]).data
  const { text } = await get('/v1/rest/document?cols=*,items.*', await login())
  assert.ok(text.startsWith(`[{"sid":${sid},`), text)
  assert.match(text, /"scan_upc":"0\d{11}"/, 'a UPC stays text')
})

test('the truth, and what headquarters knows of it', async (t) => {
  const { get, login, world } = await prism(t, { startingStock: 0 })
  const stock = (store) => [world.truth(store, 'P0001'), world.knownStock(store, 'P0001')]
  world.receive('001', [{ product: 'P0001', quantity: 10.5 }])
  world.receive('001', [{ product: 'P0001', quantity: 99 }], { asn: true })
  world.transfer('001', '002', [{ product: 'P0001', quantity: 3 }])
  world.receive('002', [{ product: 'P0001', quantity: 3 }])
  world.adjust('002', [{ product: 'P0001', to: 1 }])
  assert.deepEqual([stock('001'), stock('002')], [[7.5, 7.5], [1, 1]])

  world.setOffline('001')
  const sale = world.sell('001', [{ product: 'P0001', quantity: 0.125 }])
  world.sell('001', [{ product: 'P0001', fulfill: '002', quantity: 2 }])
  world.sell('001', [{ product: 'P0001', quantity: 5, kit: 2 }], {})
  world.exchange('001', [{ product: 'P0001' }], [{ product: 'P0002' }])
  for (const more of [{ held: true }, { cancelled: true }, { deposit: true }])
    world.sell('001', [{ product: 'P0001' }], more)
  assert.deepEqual([stock('001'), stock('002')], [[8.375, 7.5], [-1, 1]])
  const session = await login()
  const documents = async () => JSON.parse((await get('/v1/rest/document?cols=*', session)).text)
  assert.equal((await documents()).length, 0, 'headquarters has heard of none')
  const cols = 'cols=alu,invnquantity.storecode,invnquantity.qty&filter=(alu,eq,P0001)'
  const quantities = async () => {
    const { text } = await get(`/api/backoffice/inventory?${cols}`, session)
    return JSON.parse(text).data[0].invnquantity.map(({ qty }) => qty)
  }
  assert.deepEqual(await quantities(), [7.5, 1, 0])

  world.reverse(sale.data.sid, { by: 'cancel' })
  assert.equal(world.replicate('001', 2), 2)
  assert.equal((await documents()).length, 2)
  world.setOffline('001', false)
  assert.equal(world.replicate('001'), 6)
  assert.deepEqual(await quantities(), [8.5, -1, 0])
  const reversed = world.sell('003', [{ product: 'P0001', quantity: 4 }])
  world.reverse(reversed.data.sid)
  assert.deepEqual(stock('003'), [0, 0])
  assert.equal((await documents()).filter((one) => one.status === 2).length, 2)
})

test('faults come when they are asked for, and as often', async (t) => {
  const { get, login, simulator } = await prism(t)
  const { faults, world } = simulator
  for (let i = 0; i < 3; i++) world.sell('002', [{ product: i }])
  const session = await login()
  const list = '/v1/rest/document?count=true'
  const ask = () => get(list, session)
  faults.set({ kind: 'error500', match: '/document', skip: 1 })
  assert.equal((await ask()).status, 200)
  assert.ok(Array.isArray(JSON.parse((await ask()).text)))
  assert.equal((await ask()).status, 200)
  faults.set({ kind: 'wrong_total', by: 5 })
  assert.match((await ask()).headers.get('content-range'), /\/8$/)
  faults.set({ kind: 'bad_json' })
  await assert.rejects(async () => JSON.parse((await ask()).text))
  faults.set({ kind: 'html' })
  assert.match((await ask()).text, /^<html>/)
  for (const kind of ['lost', 'cut']) {
    faults.set({ kind })
    await assert.rejects(ask())
  }
  faults.set({ kind: 'expire' })
  assert.equal((await ask()).status, 401)
})

test('the same seed gives the same retailer, also over HTTP', async (t) => {
  const play = async () => {
    const { simulator } = await prism(t, { seed: 7 })
    const control = async (name, argument) => {
      const body = JSON.stringify(argument)
      const answer = await fetch(`${simulator.url}/simulator/${name}`, { method: 'POST', body })
      assert.equal(answer.status, 200, name)
      return answer.json()
    }
    const items = [{ product: 'P0003', quantity: 2 }]
    const { document } = await control('sell', { store: '002', items })
    return [document, await control('truth', { store: '002' })]
  }
  assert.deepEqual(await play(), await play())
})
