/** The engine's report as text a person can read and paste. Pure. */
import type { DoctorReport } from '../../engine/wire/protocol.ts';

export function reportText(report: DoctorReport, version: string, notes: readonly string[]): string {
  const lines = [`# Airgap ${version}: engine report`, '', `Runtime: ${report.runtime}`, ...notes, ''];
  for (const { backend, usable, reason, details } of report.backends) {
    lines.push(
      `## ${backend}: ${usable ? 'usable' : `not usable. ${reason}`}`,
      ...details.map((line) => `- ${line}`),
      '',
    );
  }
  for (const model of report.models) {
    lines.push(
      `## Model ${model.name}`,
      `- backend: ${model.backend} (${model.device})`,
      `- context: ${model.contextLength} tokens`,
      `- memory: ${megabytes(model.bytes)}`,
      ...model.notes.map((note) => `- ${note}`),
      '',
    );
  }
  lines.push(`Sessions: ${report.sessions}. Memory used by all models: ${megabytes(report.bytesHeld)}.`, '');
  return lines.join('\n');
}

const megabytes = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(0)} MiB`;
