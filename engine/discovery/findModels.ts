import { type ListedModel } from '../wire/models.ts';
import { gpt4all } from './gpt4all.ts';
import { huggingFace } from './huggingFace.ts';
import { jan } from './jan.ts';
import { llamaCpp } from './llamaCpp.ts';
import { lmStudio } from './lmStudio.ts';
import { ollama } from './ollama.ts';
import { type Candidate, type Computer, type Program, Search } from './search.ts';

/** The programs that are looked for, in the order of the list. */
const PROGRAMS: Readonly<Partial<Record<ListedModel['place'], { title: string; find: Program }>>> = {
  ollama: { title: 'Ollama', find: ollama },
  lmStudio: { title: 'LM Studio', find: lmStudio },
  huggingFace: { title: 'Hugging Face', find: huggingFace },
  gpt4all: { title: 'GPT4All', find: gpt4all },
  jan: { title: 'Jan', find: jan },
  llamaCpp: { title: 'llama.cpp', find: llamaCpp },
};

/** Models that other programs keep on this disk, and sentences about what could not be looked at. */
export interface Found {
  readonly candidates: readonly Candidate[];
  readonly notes: readonly string[];
}

/** Looks for the models of other programs. Nothing is changed, and none is opened. Rejects with Cancelled. */
export async function findModels(computer: Computer, signal?: AbortSignal): Promise<Found> {
  const found = Object.values(PROGRAMS).map(async ({ title, find }) => {
    const search = new Search(computer, signal, title);
    return { candidates: await find(search), notes: search.notes };
  });
  const all = await Promise.all(found);
  return { candidates: all.flatMap(({ candidates }) => candidates), notes: all.flatMap(({ notes }) => notes) };
}

/** How a place is called in texts. */
export function placeTitle(place: ListedModel['place']): string {
  const own = { bundled: 'bundled', store: 'store', sharedStore: 'shared store', named: 'named' };
  return PROGRAMS[place]?.title ?? own[place as keyof typeof own];
}
