// Every finding of a rule pack that we let stand, and why. Nothing is silenced anywhere else.
import { Validations, type App } from 'aws-cdk-lib'

export const acknowledged: { id: string; reason: string }[] = []

export function acknowledge(app: App) {
  for (const one of acknowledged) Validations.of(app).acknowledge(one)
}
