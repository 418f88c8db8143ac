// The simulated Prism as a command: node demo/prism/main.mjs [--port N] [--stores N] [--products N]
// [--seed N] [--sales N] ... Prints its address and runs until Ctrl-C; POST /simulator/NAME plays.
import process from 'node:process'
import { parseArgs } from 'node:util'
import { start } from './simulator.mjs'

const number = (text, name) => {
  if (!/^\d{1,9}$/.test(text)) {
    console.error(`prism: --${name} is a number, not '${text}'`)
    process.exit(2)
  }
  return Number(text)
}

const rows = {
  port: { type: 'string', default: '18480' },
  stores: { type: 'string', default: '3' },
  products: { type: 'string', default: '20' },
  seed: { type: 'string', default: '1' },
  seats: { type: 'string', default: '2' },
  sales: { type: 'string', default: '0' },
  user: { type: 'string', default: 'hub' },
  password: { type: 'string', default: 'secret' },
  integers: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
}

const usage = `usage: node demo/prism/main.mjs [--port N] [--stores N] [--products N] [--seed N]
    [--seats N] [--user NAME] [--password WORD] [--integers] [--sales N]
--integers: SIDs as bare integers. --sales: so many documents are there already.`

function options() {
  try {
    const { values } = parseArgs({ options: rows })
    return values
  } catch (error) {
    console.error(`prism: ${error.message}\n${usage}`)
    return process.exit(2)
  }
}

const values = options()
if (values.help) {
  console.log(usage)
  process.exit(0)
}
const numbers = ['port', 'stores', 'products', 'seed', 'seats', 'sales']
const given = Object.fromEntries(numbers.map((name) => [name, number(values[name], name)]))
const prism = await start({
  ...given,
  users: { [values.user]: values.password },
  bareSids: values.integers,
})
const { world } = prism
for (let i = 0; i < given.sales; i++)
  world.sell(world.stores[i % world.stores.length], [{ product: i % world.products.length }])
console.log(`prism: ready ${prism.url}`)
for (const signal of ['SIGINT', 'SIGTERM'])
  process.once(signal, () => void prism.stop().then(() => process.exit(0)))
