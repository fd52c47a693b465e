// What an instance runs when it starts, as far as a shell here can tell.
import { spawnSync } from 'node:child_process'
import { expect, test } from 'vitest'
import { userData } from '../src/stacks/compute.ts'

const script = userData('bucket', 'key.zip', 'gateway', 'eu-west-1')

test('the script of an instance is a script', () => {
  expect(spawnSync('bash', ['-n'], { input: script, encoding: 'utf8' })).toMatchObject({ status: 0, stderr: '' })
  expect(Buffer.byteLength(script)).toBeLessThan(16_384)
  expect(script).toContain(
    'ExecStart=/opt/domicile/domicile gateway --topology /opt/domicile/domicile.toml --state /var/lib/domicile --region eu-west-1',
  )
})
test('credentials are written as the binary reads them: profile [default], lower-case keys', () => {
  const filter = /sed -n '([^']+)'/.exec(script)![1]!
  const exported =
    'AWS_ACCESS_KEY_ID=AKIDEXAMPLE\nAWS_SECRET_ACCESS_KEY=abc/+=\nAWS_SESSION_TOKEN=tok==\nAWS_CREDENTIAL_EXPIRATION=2026\n'
  const { stdout } = spawnSync('sed', ['-n', filter], { input: exported, encoding: 'utf8' })
  expect(stdout).toBe('aws_access_key_id = AKIDEXAMPLE\naws_secret_access_key = abc/+=\naws_session_token = tok==\n')
})
