// node simulator/main.js [--port 8180] [--shards 64] [--regions 12] [--seed 1] [--plant] [--silent-after 20] [--refuse 401|403]
import { parseArgs } from 'node:util'
import { start } from './server.js'

const { values } = parseArgs({
  options: {
    port: { type: 'string', default: '0' },
    shards: { type: 'string', default: '8' },
    regions: { type: 'string', default: '5' },
    seed: { type: 'string', default: '1' },
    token: { type: 'string', default: 'simulated' },
    refuse: { type: 'string', default: '0' },
    plant: { type: 'boolean', default: false },
    'silent-after': { type: 'string' },
  },
})
const simulator = await start({
  port: Number(values.port),
  shards: Number(values.shards),
  regions: Number(values.regions),
  seed: Number(values.seed),
  token: values.token,
})
if (values.plant) simulator.plant()
simulator.refuse(Number(values.refuse))
if (values['silent-after']) setTimeout(() => simulator.silence(true), Number(values['silent-after']) * 1000)
console.log(`${simulator.url}/console/  token: ${simulator.token}`)
