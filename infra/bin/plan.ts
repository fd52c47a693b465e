import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { command, home, synthesise } from '../src/command.ts'
import { planOf, shown, type Prices } from '../src/plan.ts'

command(
  'npx tsx bin/plan.ts -t FILE [--json]: what would exist, where, and what it costs a month',
  ({ topology, json }) => {
    const { stacks, deployment } = synthesise(topology)
    const plan = planOf(stacks, deployment, JSON.parse(readFileSync(join(home, 'prices.json'), 'utf8')) as Prices)
    console.log(json ? JSON.stringify(plan, undefined, 2) : shown(plan))
  },
)
