import { mkdirSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { Yaml } from 'cdk8s'
import { command, home } from '../src/command.ts'
import { manifestsOf } from '../src/kubernetes.ts'
import { loadTopology } from '../src/topology/read.ts'

command(
  'npx tsx bin/kubernetes.ts -t FILE [-o FOLDER]: manifests of gateways and workers, one file a region',
  ({ topology, output }) => {
    const folder = output ?? join(home, 'dist/kubernetes')
    mkdirSync(folder, { recursive: true })
    for (const [region, manifests] of manifestsOf(loadTopology(topology))) {
      const file = join(folder, `${region}.yaml`)
      writeFileSync(file, Yaml.stringify(...(manifests as object[])))
      console.log(`${relative(process.cwd(), file)}: ${manifests.length} objects`)
    }
  },
)
