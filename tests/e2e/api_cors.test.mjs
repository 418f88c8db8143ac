// Pages in browsers may send documents to a source that lists their origin, and nothing else anywhere.
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { after, before, test } from 'node:test'
import { Hub, scratch } from './lib.mjs'

const origin = 'https://prism.example'
let hub

before(async () => {
  const config = path.join(scratch('cors'), 'onhand.yaml')
  const source = 'type: prism, url: "http://127.0.0.1:9", poll: 1d'
  writeFileSync(
    config,
    `sources:\n  - {name: prism, ${source}, origins: ["${origin}", "http://till:8080"]}\n` +
      `  - {name: other, ${source}}\n`,
  )
  hub = await Hub.start({ args: ['--config', config] })
})
after(() => hub.stop())

const preflight = (target, from) =>
  hub.call('OPTIONS', target, {
    token: undefined,
    headers: {
      ...(from ? { Origin: from } : {}),
      'Access-Control-Request-Method': 'POST',
      'Access-Control-Request-Headers': 'authorization,content-type',
    },
  })

test('a listed origin is named, with what it may do', async () => {
  for (const from of [origin, 'http://till:8080']) {
    const { status, headers } = await preflight('/v1/sources/prism/documents', from)
    assert.equal(status, 204)
    assert.equal(headers['access-control-allow-origin'], from)
    assert.equal(headers['access-control-allow-methods'], 'POST')
    assert.equal(headers['access-control-allow-headers'], 'Authorization, Content-Type')
    assert.equal(headers['access-control-allow-credentials'], undefined)
    assert.equal(headers.vary, 'Origin')
  }
})

test('nobody else is, nowhere', async () => {
  const documents = '/v1/sources/prism/documents'
  for (const [target, from, wanted] of [
    [documents, 'https://prism.example.evil', 403],
    [documents, 'https://PRISM.example', 403],
    [documents, 'https://prism.example:8443', 403],
    [documents, 'null', 403],
    [documents, '*', 403],
    [documents, '', 403],
    ['/v1/sources/other/documents', origin, 403],
    ['/v1/sources/nobody/documents', origin, 403],
    ['/v1/adjustments', origin, 405],
    ['/v1/sources', origin, 405],
  ]) {
    const { status, headers } = await preflight(target, from)
    assert.equal(status, wanted, `${target} ${from}`)
    assert.equal(headers['access-control-allow-origin'], undefined)
  }
})

test('what is refused can be read by the page too, and only by it', async () => {
  const ask = (token, from) =>
    hub.call('POST', '/v1/sources/prism/documents', { body: {}, token, headers: { Origin: from } })
  const allowed = ({ headers }) => headers['access-control-allow-origin']
  const refused = await ask('oh_wrong', origin)
  assert.equal(refused.status, 401)
  assert.equal(allowed(refused), origin)
  assert.match(refused.headers['access-control-expose-headers'], /Retry-After/)
  assert.equal(allowed(await ask(hub.token, origin)), origin)
  assert.equal(allowed(await ask(hub.token, 'https://evil.example')), undefined)
  const status = await hub.call('GET', '/v1/status', { headers: { Origin: origin } })
  assert.equal(allowed(status), undefined)
})
