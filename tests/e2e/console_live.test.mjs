// The console under a storm of events and with a long table: it goes on answering, shows what came
// last, and keeps no more in the page than can be seen. How fast it is tells bench/console.mjs.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { consoleIsThere, startBrowser, whyNoBrowser } from './browser.mjs'
import { Hub, patience, scaled } from './lib.mjs'

const skip =
  (await whyNoBrowser()) ?? (consoleIsThere() ? false : 'this hub was built without its console (npm was missing)')
const KEPT = 5000
const IN_PAGE_MOST = 200

let hub, browser
before(async () => {
  if (skip) return
  hub = await Hub.start()
  browser = await startBrowser()
})
after(async () => {
  await browser?.close()
  await hub?.stop()
})

async function open(hash) {
  const page = await browser.newPage()
  page.setDefaultTimeout(30000 * patience)
  page.errors = []
  page.on('pageerror', (error) => page.errors.push(error.message))
  await page.addInitScript((token) => sessionStorage.setItem('onhand.token', token), hub.token)
  await page.goto(`${hub.url}/${hash}`)
  return page
}

const inPage = (page) => page.locator('tbody tr').count()

test('a storm of events passes, and the last one stands there', { skip }, async () => {
  const page = await open('#/activity')
  await page.locator('[role=status]').filter({ hasText: /live/ }).first().waitFor()
  const count = scaled(20000, 3000)
  for (let done = 0; done < count; done += 1000) {
    const lines = Array.from({ length: 1000 }, (_, i) => `{"location":"NY01","sku":"P${(done + i) % 97}","delta":1}`)
    await hub.call('POST', '/v1/adjustments', { body: `${lines.join('\n')}\n`, type: 'application/x-ndjson' })
  }
  await hub.adjust([{ location: 'BOS02', sku: 'LAST', delta: 1 }])
  await page.getByRole('link', { name: 'LAST at BOS02' }).waitFor()
  const rows = await page.locator('table').getAttribute('aria-rowcount')
  assert.ok(Number(rows) <= KEPT + 1, `${rows} rows are kept`)
  assert.ok((await inPage(page)) <= IN_PAGE_MOST)
  assert.deepEqual(page.errors, [])
  await page.close()
})

test('a long table has only what is seen in the page, down to its last row', { skip }, async () => {
  const count = scaled(5000, 1000)
  await hub.adjust(Array.from({ length: count }, (_, i) => ({ location: `L${i}`, sku: 'WIDE', delta: 1 + (i % 90) })))
  const page = await open('#/inventory?sku=WIDE')
  const box = page.locator('.table-box.tall')
  await box.waitFor()
  assert.equal(await page.locator('table').getAttribute('aria-rowcount'), String(count + 1))
  assert.ok((await inPage(page)) <= IN_PAGE_MOST)
  await box.evaluate((element) => (element.scrollTop = element.scrollHeight))
  await page.locator(`tr[aria-rowindex="${count + 1}"]`).waitFor()
  assert.ok((await inPage(page)) <= IN_PAGE_MOST)
  assert.ok((await page.locator('.tile').count()) <= 500)
  assert.deepEqual(page.errors, [])
  await page.close()
})
