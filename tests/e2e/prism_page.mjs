// A small page with as much of the web client of Prism as its hooks see: managers that take handlers
// and call them by the names of their parameters, a cache of models, and a button that ends a sale.
import { readFileSync } from 'node:fs'
import http from 'node:http'
import path from 'node:path'
import { root } from './lib.mjs'

function webClient() {
  const handlers = new Map()
  let active = null
  const services = {
    $q: {
      defer() {
        const deferred = {}
        deferred.promise = new Promise((resolve) => (deferred.resolve = resolve))
        return deferred
      },
    },
    Button: {},
    ModelService: { fromCache: (name) => (name === 'Document' ? [active] : []) },
    $injector: { has: (name) => name in services, get: (name) => services[name] },
  }
  const invoke = (handler) => {
    const names = /\(([^)]*)\)/.exec(String(handler))[1].split(',').map((name) => name.trim())
    return handler(
      ...names.filter(Boolean).map((name) => {
        if (!(name in services)) throw new Error(`Unknown provider: ${name}`)
        return services[name]
      }),
    )
  }
  window.ConfigurationManager = { addHandler: (handler) => invoke(handler) }
  window.ButtonHooksManager = {
    addHandler(names, handler) {
      for (const name of names) handlers.set(name, [...(handlers.get(name) ?? []), handler])
    },
  }
  /** Ends a sale as the button does; how long the hooks held it up, in milliseconds. */
  window.endSale = async (sale) => {
    active = sale
    // Models know their parents, and have methods.
    active.$parent = active
    active.print = () => {}
    const began = performance.now()
    for (const handler of handlers.get('after_navPosTenderPrintUpdate') ?? []) await invoke(handler)
    active = null
    return performance.now() - began
  }
}

/** Serves the page with the hook and its settings, as they are then: {url, close}. */
export async function servePrismPage(settings) {
  const hook = readFileSync(path.join(root, 'prism/onhand.js'), 'utf8')
  const page = () => `<!doctype html><html lang="en"><meta charset="utf-8"><title>POS</title><body>
    <h1>Point of sale</h1><script>(${webClient})()</script>
    <script>window.onhandSettings = ${JSON.stringify(settings)}</script>
    <script src="/onhand.js"></script></body></html>`
  const server = http.createServer((request, response) => {
    const isHook = request.url === '/onhand.js'
    response.setHeader('Content-Type', isHook ? 'text/javascript' : 'text/html')
    response.end(isHook ? hook : page())
  })
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  const close = () => {
    server.closeAllConnections()
    return new Promise((resolve) => server.close(resolve))
  }
  return { url: `http://127.0.0.1:${server.address().port}/`, close }
}
