// What may be done to the simulated retailer from outside: the module's calls, each also as
// POST /simulator/NAME with its arguments as one JSON object.
import { withBareSids } from './render.mjs'

/** A document as Prism's web client has it at hand when it is finished. */
export function pushedDocument(record, bareSids = false) {
  const text = JSON.stringify({ ...record.data, ...record.lists })
  return bareSids ? withBareSids(text) : text
}

const told = (record) => ({ sid: record.data.sid, document: { ...record.data, ...record.lists } })

const controls = {
  sell: ({ world }, { store, items, ...more }) => told(world.sell(store, items, more)),
  exchange: ({ world }, { store, back, out, ...more }) =>
    told(world.exchange(store, back, out, more)),
  reverse: ({ world }, { sid, ...more }) => told(world.reverse(sid, more)),
  receive: ({ world }, { store, items, ...more }) => told(world.receive(store, items, more)),
  transfer: ({ world }, { from, to, items, ...more }) =>
    told(world.transfer(from, to, items, more)),
  adjust: ({ world }, { store, items, ...more }) => told(world.adjust(store, items, more)),
  skipDocumentNumber: ({ world }, { store, workstation }) =>
    world.skipDocumentNumber(store, workstation),
  setOffline: ({ world }, { store, offline }) => world.setOffline(store, offline),
  replicate: ({ world }, { store, count }) => world.replicate(store, count ?? Infinity),
  setSkew: ({ world }, { store, ms }) => world.setSkew(store, ms),
  clock: ({ world }, { to, by }) => world.setClock(to === undefined ? { by } : Date.parse(to)),
  setFault: ({ faults }, fault) => void faults.set(fault),
  clearFaults: ({ faults }) => faults.clear(),
  expire: ({ sessions }, { user }) => sessions.expire(user),
  loginElsewhere: ({ sessions }, { user }) => sessions.loginElsewhere(user),
  truth: ({ world }, { store, product }) =>
    product === undefined
      ? Object.fromEntries(world.products.map((one) => [one.sku, world.truth(store, one.sku)]))
      : world.truth(store, product),
  stores: ({ world }) =>
    world.stores.map(({ sid, code, number, online, waiting }) => ({
      sid,
      code,
      number,
      online,
      waiting: waiting.length,
    })),
  products: ({ world }) => world.products.map(({ sid, sku, upc }) => ({ sid, sku, upc })),
}

export function runControl(simulator, name, argument) {
  if (!Object.hasOwn(controls, name))
    throw new Error(`no control '${name}': ${Object.keys(controls).join(', ')}`)
  return controls[name](simulator, argument)
}
