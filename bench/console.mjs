// How the console's pages bear ten thousand events a second and tables of a hundred thousand rows, in
// a real browser against a real hub: the time between two frames, of which there should be 60 a second.
import { setTimeout as sleep } from 'node:timers/promises'
import { consoleIsThere, startBrowser, whyNoBrowser } from '../tests/e2e/browser.mjs'
import { Hub } from '../tests/e2e/lib.mjs'

const seconds = Math.max(1, (60 * Number(process.env.ONHAND_BENCH_SCALE ?? 100)) / 100)
const rate = 10000
const rows = 100000
const STORES = 50
const PRODUCTS = 1000
const BATCHES_PER_SECOND = 20

/** In the page: notes tasks that block it and the time between frames. */
function observe() {
  const seen = { longest: 0, tasks: 0, gaps: [] }
  globalThis.bench = seen
  new PerformanceObserver((list) => {
    for (const task of list.getEntries()) {
      seen.tasks++
      seen.longest = Math.max(seen.longest, task.duration)
    }
  }).observe({ type: 'longtask' })
  let last = performance.now()
  const frame = (now) => {
    seen.gaps.push(now - last)
    last = now
    requestAnimationFrame(frame)
  }
  requestAnimationFrame(frame)
}

const begin = (page) =>
  page.evaluate(() => {
    Object.assign(globalThis.bench, { longest: 0, tasks: 0, gaps: [] })
  })

async function result(page, client) {
  const seen = await page.evaluate(() => globalThis.bench)
  const gaps = seen.gaps.sort((a, b) => a - b)
  const { usedSize } = await client.send('Runtime.getHeapUsage')
  return {
    frames: gaps.length,
    gap_p50_ms: Math.round(gaps[Math.floor(gaps.length / 2)]),
    gap_p99_ms: Math.round(gaps[Math.floor(gaps.length * 0.99)]),
    gap_longest_ms: Math.round(gaps.at(-1)),
    long_tasks: seen.tasks,
    longest_task_ms: Math.round(seen.longest),
    heap_mb: Math.round(usedSize / 1e5) / 10,
  }
}

/** Sells until told to stop; says how many were answered. */
function sell(hub) {
  const load = { sold: 0, stop: false }
  const size = Math.round(rate / BATCHES_PER_SECOND)
  load.done = (async () => {
    const began = Date.now()
    for (let batch = 0; !load.stop; batch++) {
      const lines = Array.from({ length: size }, (_, i) => {
        const n = batch * size + i
        return `{"location":"S${n % STORES}","sku":"P${(n * 7919) % PRODUCTS}","delta":-1}`
      })
      await hub.call('POST', '/v1/adjustments', { body: `${lines.join('\n')}\n`, type: 'application/x-ndjson' })
      load.sold += size
      await sleep(Math.max(0, began + ((batch + 1) * 1000) / BATCHES_PER_SECOND - Date.now()))
    }
  })()
  return load
}

function say(name, { gap_p99_ms, ...rest }) {
  console.log(JSON.stringify({ name: `console_${name}`, value: gap_p99_ms, unit: 'ms between frames (p99)', ...rest }))
}

const missing = (await whyNoBrowser()) ?? (consoleIsThere() ? null : 'the hub was built without its console')
if (missing) {
  console.error(`bench: console: ${missing}`)
  process.exit(0)
}
const hub = await Hub.start()
const browser = await startBrowser()
try {
  const everywhere = Array.from({ length: rows }, (_, i) => `{"location":"L${i}","sku":"everywhere","delta":${1 + (i % 90)}}`)
  await hub.call('POST', '/v1/adjustments', { body: everywhere.join('\n'), type: 'application/x-ndjson' })
  await hub.adjust(Array.from({ length: STORES }, (_, i) => ({ location: `S${i}`, sku: 'P0', delta: 100 })))
  const page = await browser.newPage({ viewport: { width: 1280, height: 800 } })
  const client = await page.context().newCDPSession(page)
  await page.addInitScript((token) => sessionStorage.setItem('onhand.token', token), hub.token)
  await page.addInitScript(observe)

  for (const [name, hash] of [['now', ''], ['activity', '#/activity'], ['inventory', '#/inventory?sku=P0']]) {
    await page.goto(`${hub.url}/${hash}`)
    await page.reload()
    await page.waitForSelector('h1')
    const load = sell(hub)
    await sleep(2000)
    await client.send('HeapProfiler.collectGarbage')
    const { heap_mb } = await result(page, client)
    const before = load.sold
    const began = Date.now()
    await begin(page)
    await sleep(seconds * 1000)
    const events_per_s = Math.round(((load.sold - before) * 1000) / (Date.now() - began))
    await client.send('HeapProfiler.collectGarbage')
    const told = name === 'now' ? await page.locator('.figure').first().innerText() : undefined
    say(name, { events_per_s, told, heap_before_mb: heap_mb, ...(await result(page, client)) })
    load.stop = true
    await load.done
  }

  const began = Date.now()
  await page.goto(`${hub.url}/#/inventory?sku=everywhere`)
  await page.reload()
  await page.waitForSelector('.table-box.tall', { timeout: 120000 })
  const shown_ms = Date.now() - began
  await sleep(1000)
  await begin(page)
  await page.evaluate(async () => {
    const box = document.querySelector('.table-box.tall')
    for (let i = 0; i < 300; i++) {
      box.scrollTop = (i % 2 ? i : i * 0.98) * (box.scrollHeight / 300)
      await new Promise(requestAnimationFrame)
    }
  })
  say('scroll', { rows, shown_ms, ...(await result(page, client)) })
} finally {
  await browser.close()
  await hub.stop()
}
