/** The engine's report as text a person can read and paste. Pure. */
import type { DoctorReport, SamplingDefaults } from '../../engine/wire/protocol.ts';

export interface ReportContext {
  readonly version: string;
  readonly notes: readonly string[];
  /** Ids of this window's models; undefined where none is loaded. */
  readonly completionModel: string | undefined;
  readonly chatModel: string | undefined;
}

export function reportText(
  report: DoctorReport,
  { version, notes, completionModel, chatModel }: ReportContext,
): string {
  const lines = [`# Airgap ${version}: engine report`, '', `Runtime: ${report.runtime}`, ...notes, ''];
  for (const { backend, usable, reason, details } of report.backends) {
    lines.push(
      `## ${backend}: ${usable ? 'usable' : `not usable. ${reason}`}`,
      ...details.map((line) => `- ${line}`),
      '',
    );
  }
  for (const model of report.models) {
    const { modelId } = model;
    const purposes = [
      ...(modelId === completionModel ? ['completions'] : []),
      ...(modelId === chatModel ? ['chat'] : []),
    ];
    lines.push(
      `## Model ${model.name}`,
      `- used by this window for: ${purposes.join(' and ') || 'nothing'}`,
      `- backend: ${model.backend} (${model.device})`,
      `- context: ${model.contextLength} tokens`,
      `- memory: ${megabytes(model.bytes)}`,
      ...(model.chat
        ? [`- sampling of answers, where no setting says otherwise: ${samplingText(model.sampling)}`]
        : []),
      ...model.notes.map((note) => `- ${note}`),
      '',
    );
  }
  lines.push(`Sessions: ${report.sessions}. Memory used by all models: ${megabytes(report.bytesHeld)}.`, '');
  return lines.join('\n');
}

function samplingText({ temperature, topP, topK, minP, repetitionPenalty }: SamplingDefaults): string {
  const drawn = [
    `temperature ${temperature}`,
    `top-p ${topP}`,
    ...(topK > 0 ? [`top-k ${topK}`] : []),
    ...(minP > 0 ? [`min-p ${minP}`] : []),
  ];
  const parts = temperature > 0 ? drawn : ['always the most likely token'];
  return [...parts, ...(repetitionPenalty === 1 ? [] : [`repetition penalty ${repetitionPenalty}`])].join(', ');
}

const megabytes = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(0)} MiB`;
