// What would hold up the shops: writing a file of 250,000 rows, and counting every cell of the hub.
// Runs in a thread of its own; one task a message.
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createWriteStream, rmSync, writeFileSync } from 'node:fs'
import http from 'node:http'
import { parentPort } from 'node:worker_threads'

const ROWS_AT_ONCE = 5000

async function writeFile({ file, codes, skus, quantities }) {
  const out = createWriteStream(file)
  const hash = createHash('sha256')
  let text = 'location,sku,quantity\n'
  for (let cell = 0; cell < quantities.length; cell++) {
    const store = Math.floor(cell / skus.length)
    text += `${codes[store]},${skus[cell % skus.length]},${quantities[cell]}\n`
    if (cell % ROWS_AT_ONCE === 0 || cell === quantities.length - 1) {
      hash.update(text)
      if (!out.write(text)) await once(out, 'drain')
      text = ''
    }
  }
  out.end()
  await once(out, 'finish')
  return { sha256: hash.digest('hex') }
}

/**
 * Every on-hand figure as the hub gives it, NaN where it knows no such cell; and what all stores
 * together can sell of each product.
 */
async function count({ hub, codes, skus }) {
  const storeOf = new Map(codes.map((code, i) => [code, i]))
  const skuOf = new Map(skus.map((sku, i) => [sku, i]))
  const quantities = new Float64Array(codes.length * skus.length).fill(NaN)
  const sellable = new Array(skus.length).fill(0)
  const headers = { Authorization: `Bearer ${hub.token}` }
  const path = '/v1/inventory?format=csv'
  const request = http.get({ host: hub.host, port: hub.port, path, headers, agent: false })
  const [response] = await once(request, 'response')
  if (response.statusCode !== 200) throw new Error(`${path}: ${response.statusCode}`)
  let rest = ''
  let columns = null
  response.setEncoding('utf8')
  for await (const text of response) {
    const lines = (rest + text).split('\n')
    rest = lines.pop()
    for (const line of lines) {
      const fields = line.split(',')
      if (!columns) columns = ['location', 'sku', 'on_hand', 'available'].map((name) => fields.indexOf(name))
      else {
        const store = storeOf.get(fields[columns[0]])
        const product = skuOf.get(fields[columns[1]])
        quantities[store * skus.length + product] = Number(fields[columns[2]])
        sellable[product] += Math.max(0, Number(fields[columns[3]]))
      }
    }
  }
  return { quantities, sellable }
}

async function writeText({ file, text }) {
  writeFileSync(file, text)
}

async function remove({ files }) {
  for (const file of files) rmSync(file, { force: true })
}

const tasks = { writeFile, writeText, remove, count }

parentPort.on('message', async ({ number, task, argument }) => {
  try {
    parentPort.postMessage({ number, result: await tasks[task](argument) })
  } catch (error) {
    parentPort.postMessage({ number, error: error.message })
  }
})
