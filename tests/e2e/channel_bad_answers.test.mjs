// What shops answer in real life, the same for every platform: each is told in the API, at the command
// line and in the log, nothing is believed, and once it is over every shop shows what it should.
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import https from 'node:https'
import path from 'node:path'
import { after, before, test } from 'node:test'
import { BigCommerceShop } from '../../demo/shops/bigcommerce.mjs'
import { HotwaxShop } from '../../demo/shops/hotwax.mjs'
import { MagentoShop } from '../../demo/shops/magento.mjs'
import { gid, ShopifyShop } from '../../demo/shops/shopify.mjs'
import { WooCommerceShop } from '../../demo/shops/woocommerce.mjs'
import { expiredCertificate } from './certificate.mjs'
import { freePort, Hub, onhand, scratch, verify } from './lib.mjs'
import { Receiver } from './receiver.mjs'
import { Rig } from './shop_rig.mjs'

const directory = scratch('bad-answers')
const env = { T: 'good-token' }

/** By the channel's name: the shop, the rest of its line, what it shows of A at NY01. */
const kinds = {
  magento: {
    shop: new MagentoShop({ sources: ['s'], token: env.T }), shown: (shop) => shop.shown('s', 'A'),
    line: 'type: magento, token: "env:T", locations: {NY01: s}',
  },
  woocommerce: {
    shop: new WooCommerceShop({ key: env.T, secret: env.T }), shown: (shop) => shop.shown('', 'A'),
    line: 'type: woocommerce, key: "env:T", secret: "env:T", locations: [NY01]',
  },
  bigcommerce: {
    shop: new BigCommerceShop({ locations: [1], token: env.T }), shown: (shop) => shop.shown('1', 'A'),
    line: 'type: bigcommerce, token: "env:T", settle: 1s, locations: {NY01: 1}',
  },
  shopify: {
    shop: new ShopifyShop({ locations: { 1: 'New York' }, token: env.T }),
    shown: (shop) => shop.available('A', gid('Location', 1)),
    line: 'type: shopify, token: "env:T", locations: {NY01: 1, BOS02: 99}',
  },
  hotwax: {
    shop: new HotwaxShop({ facilities: ['S'], token: env.T, products: ['A'] }), shown: (shop) => shop.available('A', 'S'),
    line: 'type: hotwax, token: "env:T", locations: {NY01: S, BOS02: NOWHERE}',
  },
  webhook: { line: 'type: webhook', shown: (shop) => shop.cells.get('NY01/A')?.available },
}
const names = Object.keys(kinds)
let rig

const lines = (url) => names.map((name) =>
  `  - {name: ${name}, ${kinds[name].line}, url: "${url(name)}", allow_private: true}\n`).join('')
const channel = (name) => rig.hub.json('GET', `/v1/channels/${name}`)

/** Every request to one of these is answered by `act(response)`, until healed. */
function misbehave(concerned, act) {
  for (const name of concerned) {
    const { shop } = kinds[name]
    if (name === 'webhook') shop.always = (request, response) => act(response)
    else shop.chance = () => (call, response) => act(response)
  }
}

async function heal() {
  for (const name of names) {
    const { shop } = kinds[name]
    if (name === 'webhook') delete shop.always
    else shop.chance = null
  }
  const { available } = await rig.hub.cell('NY01', 'A')
  let last = 0
  for (const name of names) {
    await rig.until(`${name} shows ${available}`, async () => {
      if (Date.now() - last > 200) {
        last = Date.now()
        for (const one of names) await rig.hub.json('POST', `/v1/channels/${one}/resume`, {})
      }
      return kinds[name].shown(kinds[name].shop) === available
    }, 60)
  }
}

before(async () => {
  for (const name of names) {
    const kind = kinds[name]
    kind.shop = name === 'webhook' ? await Receiver.start() : await kind.shop.start()
    if (name === 'shopify') kind.shop.addVariant('A')
    else kind.shop.addProduct?.('A')
  }
  const config = path.join(directory, 'onhand.yaml')
  writeFileSync(config, `channels:\n${lines((name) => kinds[name].shop.url + (kinds[name].shop.base ?? ''))}`)
  rig = new Rig(await Hub.start({ args: ['--config', config], env }), 'magento')
  await rig.receive('A', 500)
  await heal()
})

after(async () => {
  await rig?.hub.stop()
  for (const { shop } of Object.values(kinds)) await shop?.stop()
  if (rig) await verify(rig.hub.data)
})

const endless = (response) => {
  response.writeHead(200, { 'content-type': 'application/json' })
  const more = () => {
    while (!response.destroyed && response.write(Buffer.alloc(1 << 20, ' ')));
  }
  response.on('drain', more)
  response.on('error', () => {})
  more()
}
const json = { 'content-type': 'application/json' }
const notWell = /^(retrying|failing)$/

/** [what, what every request is answered, the state, what is said, for a listener, too (any 2xx will do)] */
const cases = [
  ['wrong credentials', (r) => r.writeHead(401, json).end('{"errors":"no"}'), /^unauthorized$/, /does not accept the credentials/, true],
  ['too few rights', (r) => r.writeHead(403, json).end('{"errors":"no"}'), /^unauthorized$/, /./, true],
  ['a page in place of JSON', (r) => r.writeHead(200, { 'content-type': 'text/html' }).end('<html>Maintenance</html>'), notWell, /./, false],
  ['JSON that is cut off', (r) => r.writeHead(200, json).end('{"data":{"items":[{"sku":"A","qu'), notWell, /./, false],
  ['another JSON', (r) => r.writeHead(200, json).end('{"hello":["world"]}'), notWell, /./, false],
  ['a body that breaks off', (r) => {
    r.writeHead(200, { ...json, 'content-length': '1000' })
    r.write('{"data":')
    setTimeout(() => r.destroy(), 5)
  }, notWell, /./, true],
  ['a body without end', endless, notWell, /./, true],
  ['a redirect into a private network', (r) => r.writeHead(307, { location: 'http://169.254.169.254/latest' }).end(), notWell, /redirected to 'http:\/\/169\.254.*not followed/, true],
  ['an absurd Retry-After', (r) => r.writeHead(429, { 'retry-after': '99999999999' }).end(), /^throttled$/, /too many requests/, true],
  ['a negative one', (r) => r.writeHead(503, { 'retry-after': '-99999999999' }).end(), /./, /503/, true],
  ['one in the year 9999', (r) => r.writeHead(503, { 'retry-after': 'Fri, 31 Dec 9999 23:59:59 GMT' }).end(), /^throttled$/, /asks to wait/, true],
]

for (const [what, act, state, said, toListeners] of cases) {
  test(`${what}: told, not believed, made good`, async () => {
    const concerned = names.filter((name) => toListeners || name !== 'webhook')
    const from = Date.now()
    misbehave(concerned, act)
    await rig.sell('A')
    for (const name of concerned) {
      const now = await rig.until(`${name} says so, and has not lost the sale`, async () => {
        const one = await channel(name)
        return Date.parse(one.last_error_at ?? 0) >= from && said.test(one.last_error) && state.test(one.state) &&
          one.pending + one.uncertain >= 1 && one
      })
      const longest = Date.now() + 16 * 60000
      assert.ok(!now.next_call_at || Date.parse(now.next_call_at) < longest, `${name}: ${now.next_call_at}`)
      assert.match(rig.hub.log, new RegExp(`channel (failed|is throttled).*channel=${name}|channel=${name}`))
    }
    if (what === 'wrong credentials') {
      const { stdout } = await onhand(['channels', '--url', rig.hub.url, '--token', rig.hub.token])
      for (const name of names) assert.match(stdout, new RegExp(`${name}.*unauthorized.*credentials`))
      assert.ok(!rig.hub.log.includes(env.T))
    }
    await heal()
  })
}

test('a location that the shop does not have: its items are told, and no other waits', async () => {
  await rig.receive('A', 3, 'BOS02')
  await rig.sell('A')
  await heal()
  for (const name of ['shopify', 'hotwax']) {
    await rig.until(`${name} tells it`, async () => {
      const { parked, unmapped } = await channel(name)
      return unmapped === 1 || parked.some(({ location, detail }) => location === 'BOS02' && detail.length > 10)
    })
  }
})

test('an expired certificate: nothing is sent, each channel says what is wrong', async () => {
  const { key, cert } = await expiredCertificate(directory)
  let arrived = 0
  const server = https.createServer({ key: readFileSync(key), cert: readFileSync(cert) }, (request, response) => {
    arrived++
    response.end()
  })
  const port = await freePort()
  await new Promise((go) => server.listen(port, '127.0.0.1', go))
  const config = path.join(directory, 'tls.yaml')
  const url = (name) => `https://127.0.0.1:${port}${kinds[name].shop.base ?? ''}`
  writeFileSync(config, `channels:\n${lines(url).replaceAll('allow_private', `ca_file: ${cert}, allow_private`)}`)
  const other = new Rig(await Hub.start({ args: ['--config', config], env }), 'tls')
  await other.receive('A', 1)
  for (const name of names) {
    const now = await other.until(`${name} says so`, async () => {
      const one = await other.hub.json('GET', `/v1/channels/${name}`)
      return one.last_error && one
    })
    assert.match(now.last_error, /expired/, name)
    assert.match(now.state, notWell, name)
    assert.equal(now.pending, 1, name)
  }
  assert.equal(arrived, 0)
  await other.hub.stop()
  server.closeAllConnections()
  await new Promise((go) => server.close(go))
})
