import { expandHome, type Settings } from '../settings.ts';

/** The settings of the stores, as the terminal program takes them. Without a setting, the program's default counts. */
export function storeVariables(settings: Settings): Record<string, string> {
  const variables = {
    AIRGAP_STORE: expandHome(settings['store.folder']),
    AIRGAP_SHARED_STORE: expandHome(settings['store.sharedFolder']),
  };
  return Object.fromEntries(Object.entries(variables).filter(([, folder]) => folder !== ''));
}
