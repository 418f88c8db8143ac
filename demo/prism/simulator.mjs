// A simulated Retail Pro Prism: start() gives its address, and the retailer behind it to play with.
//
//   const prism = await start({ stores: 3, products: 20, seed: 1 })
//   prism.world.sell('001', [{ product: 'P0001', quantity: 2 }])
//   prism.faults.set({ kind: 'expire', match: 'page_no=3' })
//   ... prism.url, prism.world.truth('001', 'P0001') ...
//   await prism.stop()
//
// It listens on the loopback only, and needs nothing but node.
import { pushedDocument } from './control.mjs'
import { Faults } from './faults.mjs'
import { Server } from './server.mjs'
import { Sessions } from './sessions.mjs'
import { World } from './world.mjs'

const defaults = {
  host: '127.0.0.1',
  port: 0,
  login: 'both', // classic | token | both
  bareSids: false, // SIDs as integers rather than text
  totals: 'Content-Range', // the header with the total: or 'ContentRange', or null
}

/**
 * Options: those above, and those of world.mjs (seed, stores, products, startingStock, numbering,
 * stamping, now, sparse) and sessions.mjs (users, seats, sessionMs, oneSession, needsSeat,
 * expiredStatus).
 */
export async function start(options = {}) {
  const simulator = { options: { ...defaults, ...options } }
  simulator.world = new World(options)
  simulator.sessions = new Sessions(options, () => simulator.world.now())
  simulator.faults = new Faults(options.seed)
  simulator.server = new Server(simulator)
  const port = await simulator.server.listen(simulator.options.port, simulator.options.host)
  simulator.port = port
  simulator.url = `http://${simulator.options.host}:${port}`
  simulator.stop = () => simulator.server.close()
  /** The JSON text that the hook in Prism's web client would send for a record of sell(). */
  simulator.pushed = (record) => pushedDocument(record, simulator.options.bareSids)
  return simulator
}
