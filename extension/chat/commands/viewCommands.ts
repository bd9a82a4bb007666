/** The commands of the chat's view. */
import type { CommandTable } from '../../commandTable.ts';

export interface ViewActions {
  newConversation(): Promise<void>;
  showList(): Promise<void>;
  exportOpen(): Promise<void>;
  openInEditor(): void;
}

export function chatViewCommands(actions: () => ViewActions): CommandTable {
  return {
    'airgap.newChat': () => actions().newConversation(),
    'airgap.showChats': () => actions().showList(),
    'airgap.exportChat': () => actions().exportOpen(),
    'airgap.openChatInEditor': () => actions().openInEditor(),
  };
}
