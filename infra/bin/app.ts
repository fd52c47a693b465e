// What the command line of CDK runs: the topology from DOMICILE_TOPOLOGY, or the sample.
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { appOf } from '../src/app.ts'
import { loadTopology } from '../src/topology/read.ts'

const here = import.meta.dirname
const settings = join(here, '../aws.json')
const topology = loadTopology(process.env.DOMICILE_TOPOLOGY ?? join(here, '../../examples/retail/domicile.toml'))
appOf(topology, existsSync(settings) ? JSON.parse(readFileSync(settings, 'utf8')) : {}).synth()
